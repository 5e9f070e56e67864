//! The ways in which datasets are laid out. Chosen by commands, or found out when a dataset is opened.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::DatasetError;

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
