//! How a daemon runs, what its inputs are, and what a reload has prepared for it. Made by `assembly` from a bundle and a
//! configuration, followed by the stages.

use std::sync::Arc;
use std::time::Duration;

use super::health::SharedStatus;
use super::input::Reopen;
use crate::domain::{InputCounters, OutputCounters, Overflow};
use crate::features::FeaturiserSpec;
use crate::model::Model;
use crate::recognition::{BatchScorer, DetectorFaults, RecognitionRules};
use crate::sinks::AudioTap;
use crate::sources::Source;

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
            model: model.name().to_owned(),
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
    /// This much audio that is exactly zero makes the input `silent`; 10 s are usual.
    pub silent_after: Duration,
    /// Where the outputs count.
    pub counters: Arc<OutputCounters>,
    /// Where the daemon writes its state, for `tympan status`.
    pub status: Arc<SharedStatus>,
}

/// Audio that a ring holds.
const USUAL_RING: Duration = Duration::from_secs(2);

/// One input of a daemon, not yet started.
pub struct DaemonInput {
    /// Its name in records, which no other input of the daemon has; the source's own is usual.
    pub name: Arc<str>,
    /// Where the audio comes from. Its pace has to match [`PipelineSpec::overflow`].
    pub source: Box<dyn Source>,
    /// The source in words, for the status that says which one is open.
    pub description: String,
    /// How it is opened again after a loss; without it, a lost source ends the input.
    pub reopen: Option<Reopen>,
    /// Whether its audio comes from somebody who may keep time, though everybody waits for it, as on standard input.
    pub is_stream: bool,
    /// Audio that its ring holds.
    pub ring: Duration,
    /// Where samples go beside the front end, for a sink that records them.
    pub tap: Option<AudioTap>,
    /// Where all counts of this input go.
    pub counters: Arc<InputCounters>,
}

impl DaemonInput {
    /// An input whose source is opened once, with a ring of 2 s.
    pub fn new(source: Box<dyn Source>) -> Self {
        let (name, description) = (source.name().into(), source.description());
        let counters = Arc::default();
        let (reopen, is_stream, ring, tap) = (None, false, USUAL_RING, None);
        Self { name, source, description, reopen, is_stream, ring, tap, counters }
    }
}

/// What takes the place of featurisers, scorer and rules.
pub(super) struct PreparedModel {
    /// For the feature stage of each input.
    pub(super) featuriser: FeaturiserSpec,
    pub(super) scorer: PreparedScorer,
}

/// The part of the classify stage.
pub(super) struct PreparedScorer {
    pub(super) scorer: BatchScorer,
    pub(super) rules: RecognitionRules,
    /// What its windows are made by.
    pub(super) featuriser: FeaturiserSpec,
}

/// What is in use after a reload.
pub(super) struct ActiveModel {
    pub(super) recipe: Recipe,
    pub(super) needs_restart: Vec<String>,
}

impl std::fmt::Display for ActiveModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reloaded, model {}", self.recipe.model)?;
        if !self.needs_restart.is_empty() {
            write!(f, "; still to come with a restart: {}", self.needs_restart.join(", "))?;
        }
        Ok(())
    }
}
