//! Why a daemon stops, and how it ended. Found by the supervisor, returned to the command.

use super::LiveError;
use crate::sinks::{SinkEnd, SinkError};

/// How a daemon ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The source came to its end, and all of it was processed.
    SourceEnded,
    /// It was asked to.
    Stopped,
    /// Standard output was closed by its reader.
    OutputClosed,
}

/// Why the daemon stops.
pub(super) enum StopReason {
    SourceEnded,
    Stopped,
    OutputClosed,
    Failed(LiveError),
}

impl StopReason {
    /// Of two reasons the one that is reported: the first failure, else an output that was closed.
    pub(super) fn worse(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Failed(_), _) => self,
            (_, Self::Failed(_)) => other,
            (_, Self::OutputClosed) => other,
            _ => self,
        }
    }
}

impl From<SinkEnd> for StopReason {
    /// What a sink's end means for the whole.
    fn from(end: SinkEnd) -> Self {
        match end.cause {
            SinkError::Closed => Self::OutputClosed,
            source => Self::Failed(LiveError::Sink { sink: end.sink, source }),
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SourceEnded => f.write_str("the source has ended"),
            Self::Stopped => f.write_str("asked to stop"),
            Self::OutputClosed => f.write_str("nobody reads the output any more"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}
