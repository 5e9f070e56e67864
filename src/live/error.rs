//! Why a daemon ended otherwise than well. Made by the stages and the supervisor, printed by the command.

use std::io;

use crate::features::FeatureError;
use crate::recognition::{RecognitionError, ScorerError};
use crate::sinks::SinkError;
use crate::sources::SourceError;

/// A daemon that could not start, or had to end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The front end cannot be computed at the source's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The scorer and the detector do not fit.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// The source could not be started.
    #[error(transparent)]
    SourceStart(SourceError),
    /// The source failed while it delivered. What it had delivered was scored and written.
    #[error("lost the source {name}")]
    SourceLost {
        /// Its name in the records.
        name: String,
        /// How it failed.
        source: SourceError,
    },
    /// A sink's thread could not be started.
    #[error(transparent)]
    SinkStart(SinkError),
    /// A sink failed for good.
    #[error("the output {sink} failed; records are missing there")]
    Sink {
        /// The sink's name.
        sink: String,
        /// How it failed.
        source: SinkError,
    },
    /// The system has no thread left.
    #[error(
        "cannot start the thread {thread}; raise the limit on threads or open files (`ulimit -a`)"
    )]
    Thread {
        /// The thread's name.
        thread: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A stage panicked.
    #[error(
        "the thread {thread} panicked, which is a bug of tympan; please report it with the log"
    )]
    StagePanicked {
        /// The thread's name.
        thread: &'static str,
    },
    /// A stage did not end in time.
    #[error(
        "the thread {thread} hangs and was left behind; what it had not passed on yet is not in the records"
    )]
    StageHangs {
        /// The thread's name.
        thread: &'static str,
    },
}
