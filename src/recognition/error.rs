//! What can go wrong between a scorer and a record. Made where windows are scored and tracked, on the classify thread;
//! printed by the command that drives it.

use crate::domain::SampleIndex;

/// A scorer and the rules for its scores do not fit, or a scorer's answer is not one.
///
/// The first variant comes from [`super::BatchScorer::new`]; the others are the source of a [`super::ScorerError`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecognitionError {
    /// The detector was made for the labels of another model.
    #[error(
        "the detector was made for {detector} labels and the scorer has {scorer}, or others in another order; make \
         the detector from the model that scores (first difference: {difference})"
    )]
    LabelsDiffer {
        /// How many labels the detector knows.
        detector: usize,
        /// How many labels the scorer gives.
        scorer: usize,
        /// The first place where they part, in words.
        difference: String,
    },
    /// The network has another number of outputs than the bundle has labels.
    #[error(
        "the network gave {found} scores for the window that ends at sample {end_sample}; its bundle has {expected} \
         labels. The weights belong to another model.toml: fetch or train the bundle again"
    )]
    ScoreCount {
        /// Scores that came.
        found: usize,
        /// Labels there are.
        expected: usize,
        /// Where in the audio.
        end_sample: SampleIndex,
    },
    /// A score that is not a number between 0 and 1.
    #[error(
        "the network scored {label:?} as {score} in the window that ends at sample {end_sample}; a score lies between \
         0 and 1. The weights or the normaliser of the bundle are broken: fetch or train the bundle again"
    )]
    BadScore {
        /// The label it was given to.
        label: String,
        /// The score as it came.
        score: f32,
        /// Where in the audio.
        end_sample: SampleIndex,
    },
}
