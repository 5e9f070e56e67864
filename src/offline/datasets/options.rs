//! What of a dataset is wanted, and what is done about recordings that cannot be used. Set by commands, read by the readers
//! of layouts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ClipFault, DatasetError, Layout};

/// What of a dataset is wanted; by default all of it, in whatever layout it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What to do about recordings that cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFault {
    /// Do not begin.
    #[default]
    Refuse,
    /// Go on with the others.
    LeaveOut,
}

/// Ends with all of `faults` in one error, unless there are none or they are to be left out; `recordings` is how many
/// there are, the faulty ones included.
///
/// # Errors
/// [`DatasetError::Faulty`], which lists every one; also where they were to be left out and nothing else is left.
pub fn check_faults(
    faults: &[ClipFault],
    recordings: usize,
    on_fault: OnFault,
) -> Result<(), DatasetError> {
    if faults.is_empty() || (on_fault == OnFault::LeaveOut && faults.len() < recordings) {
        return Ok(());
    }
    Err(DatasetError::Faulty { recordings, faults: faults.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_and_going_on_takes_an_option() {
        let fault =
            |name: &str| ClipFault { path: name.into(), reason: "is empty".into(), fold: None };
        let faults = [fault("a.wav"), fault("b.wav")];
        let error = check_faults(&faults, 5, OnFault::Refuse).unwrap_err().to_string();
        assert!(error.contains("2 of the 5 recordings"), "{error}");
        assert!(error.contains("a.wav: is empty") && error.contains("b.wav"), "{error}");
        assert!(check_faults(&faults, 5, OnFault::LeaveOut).is_ok());
        assert!(check_faults(&faults, 2, OnFault::LeaveOut).is_err());
        assert!(check_faults(&[], 0, OnFault::Refuse).is_ok());
    }
}
