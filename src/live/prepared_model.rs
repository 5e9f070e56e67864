//! A model that a reload has read, checked and warmed up, on its way to the stages. Made on `tympan-reload`, handed out by
//! the supervisor.

use super::Recipe;
use crate::features::FeaturiserSpec;
use crate::recognition::{BatchScorer, RecognitionRules};

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
