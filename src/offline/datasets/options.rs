//! What of a dataset is wanted. Set by commands, read by the readers of layouts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DatasetError, Layout};

/// What of a dataset is wanted; by default all of it, in whatever layout it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetOptions {
    /// How it is laid out; none to find out.
    pub layout: Option<Layout>,
    /// A part of it that has a name of its own.
    pub subset: Option<Subset>,
    /// Only clips under these licences, as the table's column `license` or `licence` has them; all where this is empty.
    /// Every class stays a label.
    pub licences: Vec<String>,
    /// Only these classes; all where this is empty. The others are no labels then; the order stays the set's.
    pub labels: Vec<String>,
}

/// A part of a published set that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subset {
    /// The ten classes of ESC-50 whose rows say `True` in its column `esc10`.
    Esc10,
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Esc10 => f.write_str("esc10"),
        }
    }
}

impl FromStr for Subset {
    type Err = DatasetError;

    fn from_str(name: &str) -> Result<Self, DatasetError> {
        match name {
            "esc10" => Ok(Self::Esc10),
            _ => Err(DatasetError::UnknownName {
                what: "subset",
                given: name.to_owned(),
                known: "esc10".to_owned(),
            }),
        }
    }
}
