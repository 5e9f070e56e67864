//! How a daemon runs. Made by `assembly` from a bundle and a configuration, followed by the stages.

use std::sync::Arc;
use std::time::Duration;

use super::health::SharedStatus;
use crate::domain::{Counters, Overflow};
use crate::features::FeaturiserSpec;
use crate::model::Model;
use crate::recognition::{DetectorFaults, RecognitionRules};

/// How samples become records, but for the scorer, which a thread owns: all that a reload may change.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Samples → windows, from the bundle.
    pub featuriser: FeaturiserSpec,
    /// Scores → records.
    pub rules: RecognitionRules,
    /// The model's name, for people.
    pub model: String,
}

impl Recipe {
    /// What a model makes of audio by the usual rules: its own thresholds, the defaults of `config.toml` for the rest.
    ///
    /// # Errors
    /// [`DetectorFaults`] when these rules make no sense with the model's thresholds or hop.
    pub fn standard(model: &Model) -> Result<Self, DetectorFaults> {
        Ok(Self {
            featuriser: model.featuriser_spec(),
            rules: RecognitionRules::standard(&model.traits())?,
            model: model.manifest().name.clone(),
        })
    }
}

/// How a pipeline runs.
#[derive(Debug, Clone)]
pub struct PipelineSpec {
    /// Samples → records.
    pub recipe: Recipe,
    /// Live, what finds a queue full is dropped and counted; offline, everybody waits and nothing is lost. The source's
    /// pace has to be chosen to match.
    pub overflow: Overflow,
    /// Audio that a ring holds; 2 s are usual.
    pub ring: Duration,
    /// This much audio that is exactly zero makes the input `silent`; 10 s are usual.
    pub silent_after: Duration,
    /// The source in words, for the status that says which one is open.
    pub device: String,
    /// Where every stage counts.
    pub counters: Arc<Counters>,
    /// Where the daemon writes its state, for `tympan status`.
    pub status: Arc<SharedStatus>,
}
