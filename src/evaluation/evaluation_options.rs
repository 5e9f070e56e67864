//! What of a dataset a model is measured on, and how. Set by `eval`, read by the evaluation.

use std::path::PathBuf;

use crate::offline::{DatasetOptions, OnFault, RecordingManifest};

/// What is measured, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOptions {
    /// The dataset: a folder in a known layout, or a CSV.
    pub data: PathBuf,
    /// What of it is used.
    pub dataset: DatasetOptions,
    /// What is done about recordings that cannot be used.
    pub on_fault: OnFault,
    /// Folds to measure on; where there are none, the clips that the model was validated on.
    pub folds: Vec<u32>,
    /// What is done to each recording first.
    pub treatment: Treatment,
    /// Background to place the clips in; where there is none, clips alone are measured.
    pub background: Vec<PathBuf>,
    /// More sound that holds none of the labels, to count false alarms in.
    pub negatives: Vec<PathBuf>,
    /// Minutes of sound to count false alarms in.
    pub minutes: u32,
    /// Recordings and folders of sound that holds none of the labels, to count false alarms in as it is, by kind.
    pub unlabelled: Vec<PathBuf>,
    /// What says more of these recordings than their names.
    pub manifest: Option<RecordingManifest>,
    /// Recordings and folders of kinds that have no label, and that training used as such.
    pub unknown_seen: Vec<PathBuf>,
    /// Recordings and folders of kinds that have no label, and that training never used.
    pub unknown: Vec<PathBuf>,
    /// Folder to write score tables and truth into, for other tools; none to write none.
    pub scores_tsv: Option<PathBuf>,
    /// File to write the events of the scenes into, for other tools; none to write none.
    pub events_tsv: Option<PathBuf>,
    /// Whether scenes are replayed under other settings of the detector.
    pub sweep: Sweep,
    /// Seed of where clips are placed and how loud.
    pub seed: u64,
}

/// What is done to each recording before it is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Treatment {
    /// What was done in training.
    #[default]
    AsTrained,
    /// Nothing.
    AsRecorded,
}

/// Under which settings of the detector scenes are replayed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sweep {
    /// The daemon's defaults alone.
    #[default]
    Defaults,
    /// A grid of thresholds, smoothings and confirmations as well.
    Settings,
}

impl EvaluationOptions {
    /// The clips that a model was validated on, without scenes.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            dataset: DatasetOptions::default(),
            on_fault: OnFault::default(),
            folds: Vec::new(),
            treatment: Treatment::default(),
            background: Vec::new(),
            negatives: Vec::new(),
            minutes: 60,
            unlabelled: Vec::new(),
            manifest: None,
            unknown_seen: Vec::new(),
            unknown: Vec::new(),
            scores_tsv: None,
            events_tsv: None,
            sweep: Sweep::default(),
            seed: 1,
        }
    }
}
