//! When a model's second network looks again, and what one score becomes of two. Part of a bundle's manifest.

use serde::{Deserialize, Serialize};

/// The folder of the verifier's own bundle, in that of the model.
pub const VERIFIER_FOLDER: &str = "verifier";

/// How a model's two networks become one score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierSpec {
    /// The verifier looks at windows in which the first network gives some label at least this; labels that are no events do
    /// not count. Events of thresholds below it would begin without a second look.
    pub candidate: f32,
    /// The verifier's share in the score of such a window: `first^(1 − share) · verifier^share`.
    pub share: f32,
}

impl Default for VerifierSpec {
    fn default() -> Self {
        Self { candidate: 0.05, share: 0.5 }
    }
}

impl VerifierSpec {
    /// Whether both lie between 0 and 1.
    pub fn is_sound(&self) -> bool {
        let range = 0.0..1.0;
        range.contains(&self.candidate) && range.contains(&self.share)
    }
}
