//! How sinks end: what their threads report, and what whoever closes them learns.

use super::SinkError;

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
