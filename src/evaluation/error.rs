//! What can go wrong while a model is measured: with a recording or a scene, and with the measurement as a whole.

use std::path::PathBuf;

use crate::dsp::DspError;
use crate::features::FeatureError;
use crate::offline::{ClipFault, DatasetError, RecordingListError, ScanError};
use crate::recognition::{DetectorFault, RecognitionError, ScorerError};
use crate::sources::SourceError;

/// A recording that cannot be scored, or a measurement that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    let messages = faults.iter().map(|fault| format!("{} {fault}", fault.key()));
    messages.collect::<Vec<_>>().join("; ")
}

/// A measurement that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// Which clips the model was trained on is unknown.
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
    /// Recordings without a label cannot be listed.
    #[error(transparent)]
    List(#[from] RecordingListError),
    /// A table for other tools cannot be written.
    #[error("{}: {source}", path.display())]
    Table {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The model's bundle names a cleaning that is not known.
    #[error("the model's provenance.cleaning: {reason}")]
    Cleaning {
        /// What is wrong with it.
        reason: String,
    },
    /// Recordings cannot be used, and the caller did not ask to go on without them.
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
