//! What a training run does, decided before anything is computed. Made by options of `tympan train` or in code; kept in the
//! folder of an unfinished run, so that it goes on with the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::FitError;
use crate::domain::DomainError;
use crate::features::{FrontEndSpec, WindowSpec};
use crate::files::{self, Durability};
use crate::model::{NetworkKind, NetworkSpec, UNFINISHED_RUN};
use crate::offline::{CleaningSpec, DatasetOptions, Leak, OnFault, worker_count};
use crate::training::TrainingSpec;

/// Least time between two checkpoints: what a crash may cost, against some ten milliseconds each.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// What a training run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingPlan {
    /// [`Self::VERSION`].
    pub version: u32,
    /// The dataset: a folder in a known layout, or a CSV.
    pub data: PathBuf,
    /// Where the bundle goes.
    pub out: PathBuf,
    /// What is done where a finished bundle is there already.
    #[serde(default)]
    pub existing: ExistingBundle,
    /// What of the dataset is used.
    pub dataset: DatasetOptions,
    /// What is done about recordings that cannot be used.
    pub on_fault: OnFault,
    /// What is done to recordings first.
    pub cleaning: CleaningSpec,
    /// Recordings, and folders of them, that hold none of the labels.
    pub background: Vec<PathBuf>,
    /// More such sound that is not trained on: thresholds are chosen so that the model keeps quiet in it.
    pub negatives: Vec<PathBuf>,
    /// Minutes of background and negatives, mixed anew, that thresholds are chosen by.
    pub quiet_minutes: u32,
    /// Recordings, and folders of them, of labels that are no events by default, such as speech.
    pub non_events: Vec<NonEventSource>,
    /// Room responses, and folders of them, that clips are convolved with.
    pub responses: Vec<PathBuf>,
    /// A file of weights to begin with.
    pub start: Option<PathBuf>,
    /// Bundle whose answers are learnt beside the labels.
    pub teacher: Option<PathBuf>,
    /// A bundle of the same labels, front end and window that looks again at what the network hears: it becomes part of the
    /// bundle, and thresholds are chosen with it.
    pub verifier: Option<PathBuf>,
    /// Where features are kept from run to run; nowhere by default.
    pub features: Option<PathBuf>,
    /// Which recordings are fitted to and which are measured on.
    pub split: SplitChoice,
    /// Samples → frames.
    pub front_end: FrontEndSpec,
    /// Frames → windows.
    pub window: WindowSpec,
    /// The network.
    pub network: NetworkSpec,
    /// How it is fitted.
    pub training: TrainingSpec,
    /// Terms of the weights, for the manifest and the card.
    pub licence: String,
    /// Threads of libtorch; the same number gives the same weights again.
    pub threads: usize,
    /// Least time between two checkpoints, which are made at the ends of epochs.
    pub checkpoint_every: Duration,
    /// The command that makes the bundle again, for the card; empty for a plan made in code.
    pub command: String,
    /// The options of the command that made the plan, for whoever goes on with others.
    pub options: Map<String, Value>,
}

/// Sound of a label that is no event by default: it holds the others back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonEventSource {
    /// The label.
    pub label: String,
    /// A recording, or a folder of them.
    pub path: PathBuf,
}

/// What is done about a finished bundle where a new one is to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExistingBundle {
    /// It stays, and nothing is trained.
    #[default]
    Keep,
    /// The new one takes its place when it is finished.
    Replace,
}

/// Which recordings are fitted to and which are measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SplitChoice {
    /// By the folds of the set. Where none are named: of ESC-50 1, 2 and 3 to fit and 4 to measure on, of other sets the last to
    /// measure on and the others to fit; a set without folds is split at random, a fifth to measure on.
    Folds {
        /// To fit.
        train: Vec<u32>,
        /// To measure on.
        validation: Vec<u32>,
        /// Whether clips of one source may be parted where the set is split at random.
        leak: Leak,
    },
    /// At random.
    Random {
        /// Share of the clips to measure on.
        validation_share: f64,
        /// Whether clips of one source may be parted.
        leak: Leak,
    },
    /// Once for each fold, measured on that fold: one bundle each.
    KFold {
        /// Folds to deal out where the set has none.
        random_folds: usize,
        /// Whether random folds may part clips of one source.
        leak: Leak,
    },
}

impl Default for SplitChoice {
    fn default() -> Self {
        Self::Folds { train: Vec::new(), validation: Vec::new(), leak: Leak::Forbidden }
    }
}

/// Of four hours, other hours still let two or three alarms through each, with another speaker; of twelve, none or one: the
/// highest of fifty scores in an hour is not the highest there will be.
const QUIET_MINUTES: u32 = 720;

impl TrainingPlan {
    /// The version of the plans that this version of tympan writes and reads.
    pub const VERSION: u32 = 1;

    /// What the shipped bundle is trained with, but for its background, on the dataset `data`; the bundle goes to `out`.
    ///
    /// # Errors
    /// [`DomainError`] in practice never.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Result<Self, DomainError> {
        Ok(Self {
            version: Self::VERSION,
            data: data.into(),
            out: out.into(),
            existing: ExistingBundle::default(),
            dataset: DatasetOptions::default(),
            on_fault: OnFault::default(),
            cleaning: CleaningSpec::default(),
            background: Vec::new(),
            negatives: Vec::new(),
            quiet_minutes: QUIET_MINUTES,
            non_events: Vec::new(),
            responses: Vec::new(),
            start: None,
            teacher: None,
            verifier: None,
            features: None,
            split: SplitChoice::default(),
            front_end: FrontEndSpec::standard()?,
            window: NetworkKind::Crnn.standard_window(),
            network: NetworkSpec::standard(NetworkKind::Crnn),
            training: TrainingSpec::default(),
            licence: "unspecified".to_owned(),
            threads: worker_count(),
            checkpoint_every: CHECKPOINT_EVERY,
            command: String::new(),
            options: Map::new(),
        })
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join(UNFINISHED_RUN)
}

/// The plan of the unfinished run in `folder`.
///
/// # Errors
/// [`FitError::NoRun`] when there is none, [`FitError::BadRun`] when it is damaged or another version's.
pub fn unfinished(folder: &Path) -> Result<TrainingPlan, FitError> {
    let file = path_in(folder);
    let text = std::fs::read_to_string(&file).map_err(|source| FitError::NoRun {
        folder: folder.to_owned(),
        file: file.clone(),
        source,
    })?;
    let bad = |reason: String| FitError::BadRun { file: file.clone(), reason };
    let plan: Value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if plan["version"] != TrainingPlan::VERSION {
        return Err(bad("it was begun by another version of tympan".to_owned()));
    }
    let mut plan: TrainingPlan =
        serde_json::from_value(plan).map_err(|error| bad(error.to_string()))?;
    // the folder may have been moved
    plan.out = folder.to_owned();
    Ok(plan)
}

/// Refuses a folder that holds an unfinished run.
pub(super) fn require_no_run(folder: &Path) -> Result<(), FitError> {
    let file = path_in(folder);
    if file.is_file() {
        return Err(FitError::Unfinished { folder: folder.to_owned(), file });
    }
    Ok(())
}

/// Refuses a folder that holds a finished bundle, or those of folds, unless they are to be replaced.
pub(super) fn require_no_bundle(plan: &TrainingPlan) -> Result<(), FitError> {
    let whole = [plan.out.join("model.toml"), plan.out.join("folds.json")];
    match whole.into_iter().find(|file| file.is_file()) {
        Some(file) if plan.existing == ExistingBundle::Keep => Err(FitError::Existing { file }),
        _ => Ok(()),
    }
}

/// Keeps the plan of a run that begins.
pub(super) fn keep_plan(plan: &TrainingPlan) -> Result<(), FitError> {
    let text = serde_json::to_string_pretty(plan)?;
    Ok(files::replace(&path_in(&plan.out), text.as_bytes(), Durability::Synced)?)
}

/// The run is done.
pub(super) fn remove_plan(folder: &Path) -> Result<(), FitError> {
    Ok(std::fs::remove_file(path_in(folder))?)
}
