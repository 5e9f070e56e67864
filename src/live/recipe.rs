//! What a model and its rules make of audio: all that a reload may change. Made from a configuration and a model, followed by
//! the stages.

use crate::features::FeaturiserSpec;
use crate::recognition::RecognitionRules;

/// How samples become records, but for the scorer, which threads own.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Samples → windows, from the bundle.
    pub featuriser: FeaturiserSpec,
    /// Scores → records.
    pub rules: RecognitionRules,
    /// The model's name, for people.
    pub model: String,
}
