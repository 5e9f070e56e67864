//! The ways in which datasets are laid out, and which one a folder has. Chosen by commands, or found out here.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::assembly::Listing;
use super::{DatasetError, DatasetOptions, csv_list, esc50, folders, tinysol, urbansound8k};

/// How a dataset is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// ESC-50 as it is published: `meta/esc50.csv` and `audio/`.
    Esc50,
    /// UrbanSound8K as it is published: `metadata/UrbanSound8K.csv` and `audio/fold1/` to `audio/fold10/`.
    UrbanSound8k,
    /// TinySOL as it is published: `TinySOL_metadata.csv`, with the recordings beside it or one folder below.
    TinySol,
    /// One folder a class.
    Folders,
    /// A CSV with the columns `path` and `label`; optional `fold`, `group`, `start`, `end` (seconds), `license`.
    Csv,
}

impl Layout {
    /// All of them, in the order in which they are looked for: a folder that fits several has the first.
    pub const ALL: [Self; 5] =
        [Self::Esc50, Self::UrbanSound8k, Self::TinySol, Self::Csv, Self::Folders];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Esc50 => "esc50",
            Self::UrbanSound8k => "urbansound8k",
            Self::TinySol => "tinysol",
            Self::Folders => "folders",
            Self::Csv => "csv",
        }
    }

    /// What a folder of this layout has.
    fn known_by(self) -> &'static str {
        match self {
            Self::Esc50 => esc50::TABLE,
            Self::UrbanSound8k => urbansound8k::TABLE,
            Self::TinySol => tinysol::TABLE,
            Self::Folders => "folder of recordings, one a class",
            Self::Csv => "CSV with the columns path and label",
        }
    }

    /// Finds out how the folder or file at `path` is laid out.
    ///
    /// # Errors
    /// [`DatasetError::Absent`], [`DatasetError::NoLayout`] with all that was looked for,
    /// [`DatasetError::SeveralTables`], or a folder that cannot be read.
    pub fn detect(path: &Path) -> Result<Self, DatasetError> {
        if path.is_file() {
            return Ok(Self::Csv);
        }
        if !path.is_dir() {
            return Err(DatasetError::Absent { path: path.to_owned() });
        }
        for layout in Self::ALL {
            if layout.fits(path)? {
                return Ok(layout);
            }
        }
        let looked_for: Vec<String> =
            Self::ALL.iter().map(|it| format!("{} ({it})", it.known_by())).collect();
        let looked_for = looked_for.join(", ");
        Err(DatasetError::NoLayout { path: path.to_owned(), looked_for })
    }

    fn fits(self, folder: &Path) -> Result<bool, DatasetError> {
        match self {
            Self::Esc50 | Self::UrbanSound8k | Self::TinySol => {
                Ok(folder.join(self.known_by()).is_file())
            }
            Self::Folders => Ok(folders::hold_recordings(&folders::classes(folder)?)),
            Self::Csv => Ok(csv_list::table_in(folder)?.is_some()),
        }
    }

    pub(super) fn read(
        self,
        path: &Path,
        options: &DatasetOptions,
    ) -> Result<Listing, DatasetError> {
        if !path.exists() {
            return Err(DatasetError::Absent { path: path.to_owned() });
        }
        if options.subset.is_some() && self != Self::Esc50 {
            return Err(DatasetError::NoSubset { place: path.to_owned() });
        }
        if !(self.fits_file(path) || path.is_dir() && self.fits(path)?) {
            return Err(DatasetError::Layout {
                path: path.to_owned(),
                layout: self,
                looked_for: self.known_by(),
            });
        }
        match self {
            Self::Esc50 => esc50::read(path, options.subset),
            Self::UrbanSound8k => urbansound8k::read(path),
            Self::TinySol => tinysol::read(path),
            Self::Folders => folders::read(path),
            Self::Csv => csv_list::read(path),
        }
    }

    fn fits_file(self, path: &Path) -> bool {
        self == Self::Csv && path.is_file()
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = DatasetError;

    fn from_str(name: &str) -> Result<Self, DatasetError> {
        Self::ALL.into_iter().find(|layout| layout.name() == name).ok_or_else(|| {
            DatasetError::UnknownName {
                what: "layout",
                given: name.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            }
        })
    }
}
