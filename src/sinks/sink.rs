//! What every sink is: something that writes records. Each runs on a thread of its own, behind a bounded queue.

use super::SinkError;
use crate::domain::Record;

/// Writes records somewhere. May block: it runs on its own thread, so only its own queue waits for it.
pub trait Sink: Send {
    /// What logs and errors call it.
    fn name(&self) -> &str;

    /// Writes one record.
    ///
    /// # Errors
    /// [`SinkError::Closed`] when nobody will ever read again (the reader of a pipe is gone); any other error is
    /// taken as passing, and the sink is tried again after a pause.
    fn write(&mut self, record: &Record) -> Result<(), SinkError>;

    /// Makes sure that all that was written can be read by others.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn flush(&mut self) -> Result<(), SinkError>;
}
