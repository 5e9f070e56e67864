//! Recordings that cannot be used: each told with its reason, none ends the reading. Made by the readers and by whoever
//! loads clips; the caller decides whether to go on without them.

use std::fmt;
use std::path::PathBuf;

use super::DatasetError;

/// One recording that cannot be used: missing, unreadable, empty or mislabelled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClipFault {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, in words that go on after the path, with the table's line where it stands in one.
    pub reason: String,
    /// The fold it is listed in, where that is known.
    pub fold: Option<u32>,
}

impl fmt::Display for ClipFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// What to do about recordings that cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    fn every_fault_is_told_and_going_on_takes_a_word() {
        let fault =
            |name: &str| ClipFault { path: name.into(), reason: "is empty".into(), fold: None };
        let faults = [fault("a.wav"), fault("b.wav")];
        let said = check_faults(&faults, 5, OnFault::Refuse).unwrap_err().to_string();
        assert!(said.contains("2 of the 5 recordings"), "{said}");
        assert!(said.contains("a.wav: is empty") && said.contains("b.wav"), "{said}");
        assert!(check_faults(&faults, 5, OnFault::LeaveOut).is_ok());
        assert!(check_faults(&faults, 2, OnFault::LeaveOut).is_err());
        assert!(check_faults(&[], 0, OnFault::Refuse).is_ok());
    }
}
