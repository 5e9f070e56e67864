//! What keeps a plan from becoming a bundle.

use std::path::PathBuf;

use crate::evaluation::{EvaluationError, MeasureError};
use crate::features::FeatureError;
use crate::model::BundleError;
use crate::offline::{DatasetError, SplitError};
use crate::sources::SourceError;
use crate::torch::TorchError;
use crate::training::TrainingError;

/// A plan that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is no dataset, or nothing of it is chosen.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The dataset cannot be split so.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Folds say which clips belong together; only a split at random can part them.
    #[error("--allow-leaky-split is for random splits; add --split random:0.2")]
    LeakyFolds,
    /// libtorch cannot compute on no thread.
    #[error("--threads is 0; at least one is needed")]
    NoThreads,
    /// Windows cannot be of this length.
    #[error(transparent)]
    Window(#[from] FeatureError),
    /// Background that was named is not there.
    #[error("{}: there is no such file or folder", path.display())]
    Absent {
        /// As named.
        path: PathBuf,
    },
    /// A label that is no event has the name of another label, or of none.
    #[error("--non-event {label}: {reason}")]
    NonEvent {
        /// As given.
        label: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The verifier cannot be read, or is of other labels, windows or scores.
    #[error(transparent)]
    Verifier(BundleError),
    /// The teacher cannot be read.
    #[error(transparent)]
    Teacher(BundleError),
    /// The teacher's answers would be to other questions.
    #[error("--teacher {}: its {what} is another than that of the network that learns from it", folder.display())]
    OtherTeacher {
        /// The teacher's folder.
        folder: PathBuf,
        /// What differs, by its key in the manifest.
        what: &'static str,
    },
    /// Background that was named is no recording.
    #[error(transparent)]
    Background(SourceError),
    /// A network that knows one sound and nothing else says that it hears it, whatever sounds.
    #[error(
        "{}: there is one class, {label:?}, and no sound that is not of it: a model would report it whatever sounds. Add \
         other classes, name sound without it (--background FOLDER), or name the folder that holds the class folders",
        data.display()
    )]
    OneClass {
        /// The dataset.
        data: PathBuf,
        /// Its class.
        label: String,
    },
    /// The bundle's folder cannot be written; it is tried first.
    #[error("{}: the bundle cannot be written there ({source}); choose another --out", folder.display())]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The folder holds a run that would be lost.
    #[error(
        "{folder} holds an unfinished run; go on with `tympan train --resume {folder}`, or delete {file} to begin anew",
        folder = folder.display(), file = file.display()
    )]
    Unfinished {
        /// The folder.
        folder: PathBuf,
        /// The run's plan in it.
        file: PathBuf,
    },
    /// The folder holds a finished bundle that would be lost.
    #[error("{} is there already: a finished model would be replaced. Choose another --out, or say --overwrite", file.display())]
    Existing {
        /// The file that shows it.
        file: PathBuf,
    },
    /// There is no run to go on with.
    #[error("{}: {source}; there is no unfinished run in {} to go on with", file.display(), folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// The plan that is not there.
        file: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The plan of the run cannot be read.
    #[error("{}: {reason}; the run cannot go on: begin anew", file.display())]
    BadRun {
        /// The plan.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Recordings cannot be used, and the caller did not ask to go on without them.
    #[error(transparent)]
    Faulty(DatasetError),
    /// Without the recordings that cannot be used the split lacks something.
    #[error(transparent)]
    LeftOut(SplitError),
    /// The network cannot be fitted.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The fitted network cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// No thresholds can be chosen.
    #[error(transparent)]
    Thresholds(EvaluationError),
    /// The bundle cannot be made or written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The network scores differently by its two engines.
    #[error(transparent)]
    Torch(#[from] TorchError),
    /// The bundle of a fold that was trained before cannot be read.
    #[error(transparent)]
    FoldBundle(BundleError),
    /// The bundle's provenance cannot be written down.
    #[error("the provenance cannot be written: {0}")]
    Provenance(#[from] toml::ser::Error),
    /// A table or a plan cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file or folder cannot be made, read or removed.
    #[error(transparent)]
    File(#[from] std::io::Error),
}
