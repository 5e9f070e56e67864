//! What can go wrong while a model is measured.

use crate::dsp::DspError;
use crate::features::FeatureError;
use crate::offline::ScanError;
use crate::recognition::{DetectorFault, RecognitionError, ScorerError};

/// A recording that cannot be scored, or a measurement that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The front end cannot be computed at the clip's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// The scan of a scene failed.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Scores were replayed under labels that are not theirs.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
    /// A piece of a scene cannot be brought to the scene's rate.
    #[error(transparent)]
    Resampler(#[from] DspError),
    /// The rules of detection contradict each other or the model.
    #[error("the rules of detection cannot be followed: {}", join(.0))]
    Detector(Vec<DetectorFault>),
    /// A scene needs sound to place its clips in.
    #[error(
        "a scene of background noise needs a recording of it; {pieces} were given and none has sound above −90 dBFS"
    )]
    NoBackground {
        /// Background recordings that were given.
        pieces: usize,
    },
    /// A range that nothing can be drawn from.
    #[error("{what} is {low} to {high}; it must go up, from one finite number to another")]
    Range {
        /// The field of the scene's description.
        what: &'static str,
        /// Its lower end.
        low: f32,
        /// Its upper end.
        high: f32,
    },
}

fn join(faults: &[DetectorFault]) -> String {
    let told = faults.iter().map(|fault| format!("{} {fault}", fault.key()));
    told.collect::<Vec<_>>().join("; ")
}
