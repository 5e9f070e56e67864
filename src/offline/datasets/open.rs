//! Opens a dataset: finds out its layout, has that layout's reader list it, and makes the dataset of the list. Called by
//! commands, training and evaluation; no recording is decoded.

use std::path::Path;

use super::assembly::Listing;
use super::{
    Dataset, DatasetError, DatasetOptions, Layout, csv_list, esc50, folders, tinysol, urbansound8k,
};

impl Dataset {
    /// Reads the dataset at `path`: a folder, or the CSV file itself. No recording is decoded.
    ///
    /// # Errors
    /// [`DatasetError`] when there is no known layout, a table cannot be read, an option names what is not there, or no
    /// clip is left. Single files that cannot be used are no error: they are in [`Self::faults`].
    pub fn open(path: &Path, options: &DatasetOptions) -> Result<Self, DatasetError> {
        let layout = match options.layout {
            Some(layout) => layout,
            None => Layout::detect(path)?,
        };
        layout.read(path, options)?.into_dataset(layout, options)
    }
}

impl Layout {
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
        let mend = if !folders::recordings_in(path)?.is_empty() {
            "There are recordings, and nothing says what they are: put them into a folder for each class, or write a CSV \
             of them"
        } else {
            "Name the folder that holds one of these, or write a CSV of your recordings"
        };
        Err(DatasetError::NoLayout { path: path.to_owned(), looked_for, mend })
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

    fn read(self, path: &Path, options: &DatasetOptions) -> Result<Listing, DatasetError> {
        if !path.exists() {
            return Err(DatasetError::Absent { path: path.to_owned() });
        }
        if options.subset.is_some() && self != Self::Esc50 {
            return Err(DatasetError::NoSubset { place: path.to_owned() });
        }
        if !(self.fits_file(path) || path.is_dir() && self.fits(path)?) {
            return Err(DatasetError::Layout {
                path: path.to_owned(),
                layout: self.name(),
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
