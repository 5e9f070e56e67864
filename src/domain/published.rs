//! A record on its way to the outputs. Made by the recogniser and the supervisor, shared by all sinks.

use super::Record;

/// A record, and what outputs have to know beside it and never write.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The record.
    pub record: Record,
    /// Whether a label of which no recording may be kept scored at or above its threshold in this window.
    pub contains_denied: bool,
}

impl From<Record> for Published {
    fn from(record: Record) -> Self {
        Self { record, contains_denied: false }
    }
}

impl From<Published> for Record {
    fn from(published: Published) -> Self {
        published.record
    }
}
