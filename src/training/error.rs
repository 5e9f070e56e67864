//! What can go wrong in training.

use std::path::PathBuf;

use crate::features::FeatureError;
use crate::model::{BundleError, NetworkError};
use crate::torch::TorchError;

/// Training that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A number that makes no sense.
    #[error("--{option} is {found}; it must be {expected}")]
    Spec {
        /// The option's name.
        option: &'static str,
        /// As given.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Nothing to train on, or nothing to measure on.
    #[error("there are no {what} clips; choose other folds or another split")]
    NoClips {
        /// Training or validation.
        what: &'static str,
    },
    /// The front end cannot be built.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Weights that cannot be written as a file.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// libtorch failed.
    #[error(transparent)]
    Torch(#[from] TorchError),
    /// The loss or its slope is no longer a number.
    #[error(
        "{what} became {found} in epoch {epoch}, step {step}: lower --learning-rate (it was {rate:.1e} at this step) or --gradient-norm. {kept}"
    )]
    Diverged {
        /// Loss, or length of the gradient.
        what: &'static str,
        /// What it became.
        found: f64,
        /// When, from 1.
        epoch: usize,
        /// Step within the epoch, from 1.
        step: usize,
        /// Learning rate of the step.
        rate: f64,
        /// What there is from before.
        kept: String,
    },
    /// The system gives no thread.
    #[error("no thread for making batches: {source}")]
    Thread {
        /// The system's words.
        source: std::io::Error,
    },
    /// A checkpoint or log that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A checkpoint that is damaged or another version's.
    #[error("{}: {reason}; the run cannot go on from it: delete it and begin anew", path.display())]
    BadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of weights to begin with that cannot be used.
    #[error("{}: {reason}; --start takes a bundle, or a safetensors file of 32-bit weights", path.display())]
    BadStart {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A bundle to begin with that cannot be used.
    #[error(transparent)]
    StartBundle(#[from] BundleError),
    /// Weights to begin with that are of another network.
    #[error(
        "no tensor of --start has the name and shape of one of the network's: it is of another kind or size"
    )]
    NoStart,
    /// A checkpoint of another run.
    #[error("{}: {difference}; a run goes on only with what it began with", path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
}

impl From<tch::TchError> for TrainingError {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(error.into())
    }
}

/// Refuses an option unless `holds`; written so that the condition fails for NaN.
pub(super) fn require(
    holds: bool,
    option: &'static str,
    found: f64,
    expected: &'static str,
) -> Result<(), TrainingError> {
    if holds { Ok(()) } else { Err(TrainingError::Spec { option, found, expected }) }
}
