//! Which records a sink writes. Chosen in the configuration, asked by stdout and the log file for every record.

use crate::domain::Record;

/// The kinds of records that a sink writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFilter {
    /// Events, gaps and statuses: what happened, a few lines a minute.
    WithoutWindows,
    /// The scores of every window too: ten lines a second and more.
    Everything,
}

impl RecordFilter {
    /// Whether `record` is to be written.
    pub fn passes(self, record: &Record) -> bool {
        match self {
            Self::Everything => true,
            Self::WithoutWindows => !matches!(record, Record::Window(_)),
        }
    }
}
