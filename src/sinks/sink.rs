//! What every sink is: something that writes records; and how it ends. Each runs on a thread of its own, behind a bounded
//! queue.

use super::SinkError;
use crate::domain::Published;

/// Writes records somewhere. May block: it runs on its own thread, so only its own queue waits for it.
///
/// ```
/// use tympan::domain::{Published, Record};
/// use tympan::sinks::{Sink, SinkError};
///
/// /// Counts events by their onsets.
/// struct Counter(u64);
///
/// impl Sink for Counter {
///     fn name(&self) -> &str {
///         "counter"
///     }
///
///     fn takes_windows(&self) -> bool {
///         false
///     }
///
///     fn write(&mut self, published: &Published) -> Result<(), SinkError> {
///         self.0 += u64::from(matches!(published.record, Record::Event(_)));
///         Ok(())
///     }
///
///     fn flush(&mut self) -> Result<(), SinkError> {
///         Ok(())
///     }
/// }
/// ```
pub trait Sink: Send {
    /// What logs and errors call it.
    fn name(&self) -> &str;

    /// Whether it does anything with window records. One that does not is not woken by them.
    fn takes_windows(&self) -> bool {
        true
    }

    /// Writes one record.
    ///
    /// # Errors
    /// [`SinkError::Closed`] when nobody will ever read again (the reader of a pipe is gone); any other error is
    /// taken as passing, and the sink is tried again after a pause.
    fn write(&mut self, published: &Published) -> Result<(), SinkError>;

    /// Makes sure that all that was written can be read by others.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn flush(&mut self) -> Result<(), SinkError>;
}

/// Word of a sink that has ended before it was closed.
#[derive(Debug)]
pub struct SinkEnd {
    /// The sink's name.
    pub sink: String,
    /// [`SinkError::Closed`] when nobody reads any more; otherwise why it was given up.
    pub cause: SinkError,
}

/// How a sink came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkClosed {
    /// Everything that was published to it was written and flushed.
    Drained,
    /// It had ended by itself; the [`SinkEnd`] that was sent says why.
    Ended,
    /// It was still busy when the time was up, and its thread was left behind.
    LeftBehind,
}
