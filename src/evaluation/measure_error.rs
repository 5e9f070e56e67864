//! What keeps a model from being measured on recordings.

use std::path::PathBuf;

use super::EvaluationError;
use crate::offline::{ClipFault, DatasetError};
use crate::sources::SourceError;

/// A measurement that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// There is no dataset, or nothing of it is chosen.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The dataset has classes that the model has no label for.
    #[error(
        "{}: the model {model} does not know {}; it can be measured only on classes it knows (--labels chooses some)",
        data.display(), unknown.join(", ")
    )]
    UnknownLabels {
        /// The dataset.
        data: PathBuf,
        /// The model's name.
        model: String,
        /// The classes.
        unknown: Vec<String>,
    },
    /// No clip is to be measured.
    #[error("{}: no clip of {words}; --folds chooses others", data.display())]
    NoClips {
        /// The dataset.
        data: PathBuf,
        /// What was chosen, in words.
        words: String,
    },
    /// Which clips the model was trained on cannot be told.
    #[error(
        "the model's split cannot be made again: {reason}; give the same --data, --labels, --subset and --licences as in \
         training"
    )]
    Split {
        /// Why.
        reason: String,
    },
    /// Recordings that were named are not there.
    #[error(transparent)]
    Search(SourceError),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(SourceError),
    /// The model's bundle tells of a cleaning that is not known.
    #[error("the model's provenance.cleaning: {reason}")]
    Cleaning {
        /// What is wrong with it.
        reason: String,
    },
    /// Recordings cannot be used, and nobody said to go on without them.
    #[error("{0}\n--skip-faulty goes on without them")]
    Faulty(DatasetError),
    /// A clip that was fitted or validated on cannot be scored.
    #[error("{0}")]
    Clip(ClipFault),
    /// A scene cannot be built or scored.
    #[error(transparent)]
    Scene(#[from] EvaluationError),
    /// Scores cannot be replayed, or no threshold be chosen.
    #[error(transparent)]
    Replay(EvaluationError),
    /// The system gives no threads.
    #[error("no threads to score scenes on: {reason}")]
    Threads {
        /// The system's words.
        reason: String,
    },
}
