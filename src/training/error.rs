//! What can go wrong in training.

use std::path::PathBuf;

use crate::features::FeatureError;
use crate::model::NetworkError;

/// Training that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// Recordings that cannot be used; all of them are listed.
    #[error("{} of the recordings cannot be used:\n{}", clips.len(), list(clips))]
    Clips {
        /// Each with what is wrong.
        clips: Vec<(PathBuf, String)>,
    },
    /// Nothing to train on, or nothing to measure on.
    #[error("no clips in the {what} folds {folds:?}; the dataset has folds {present:?}")]
    NoClips {
        /// Training or validation.
        what: &'static str,
        /// The folds asked for.
        folds: Vec<u32>,
        /// The folds there are.
        present: Vec<u32>,
    },
    /// The front end cannot be built.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network cannot be built, or libtorch failed.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The loss is no longer a number.
    #[error("the loss became {loss} in epoch {epoch}, step {step}; lower the learning rate")]
    Diverged {
        /// What it became.
        loss: f64,
        /// When, from 1.
        epoch: usize,
        /// Step within the epoch, from 1.
        step: usize,
    },
}

fn list(clips: &[(PathBuf, String)]) -> String {
    clips
        .iter()
        .map(|(path, fault)| format!("  {}: {fault}", path.display()))
        .collect::<Vec<_>>()
        .join("\n")
}

impl From<tch::TchError> for TrainingError {
    fn from(error: tch::TchError) -> Self {
        Self::Network(error.into())
    }
}
