//! Why a label of a window began no event. Given by the tracker, written into window records for clients that ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spelling::four_decimals;

/// Why a label of a window began no event, or that it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelReason {
    /// The label.
    pub label: Arc<str>,
    /// Its smoothed score; of a window below the minimum level, the score that did not count.
    #[serde(serialize_with = "four_decimals")]
    pub score: f32,
    /// The score from which it counts.
    #[serde(serialize_with = "four_decimals")]
    pub threshold: f32,
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
}

/// Labels whose score stays below this need no reason: nobody would expect an event.
pub const REASON_FLOOR: f32 = 0.05;

/// What decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Its event is on.
    Event,
    /// The window is below `detector.min_level_dbfs`.
    TooQuiet,
    /// By `detector.allow`, `detector.deny`, or the model, it is no event.
    NotAllowed,
    /// The label's last event ended too recently.
    Cooldown,
    /// Its score is reached in too few windows so far.
    Unconfirmed {
        /// Windows at or above the threshold.
        windows: usize,
        /// Windows that it takes.
        needed: usize,
        /// Of so many.
        of: usize,
    },
    /// The model's verifier took its score below the threshold.
    Verifier {
        /// What the verifier alone gave it.
        #[serde(serialize_with = "four_decimals")]
        verifier_score: f32,
    },
    /// Its score is below the threshold, and another label that is no event has the higher one.
    HeldBack {
        /// That label.
        by: Arc<str>,
    },
    /// Its score is below the threshold.
    BelowThreshold,
    /// A reason that this program does not know.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_its_own_fields_beside_the_label() {
        let unconfirmed = Reason::Unconfirmed { windows: 1, needed: 2, of: 3 };
        let reason =
            LabelReason { label: "dog".into(), score: 0.7, threshold: 0.6, reason: unconfirmed };
        let line = serde_json::to_string(&reason).unwrap();
        assert_eq!(
            line,
            r#"{"label":"dog","score":0.7,"threshold":0.6,"reason":"unconfirmed","windows":1,"needed":2,"of":3}"#
        );
        assert_eq!(serde_json::from_str::<LabelReason>(&line).unwrap(), reason);
        let newer = line.replace("unconfirmed", "never_heard_of");
        assert_eq!(serde_json::from_str::<LabelReason>(&newer).unwrap().reason, Reason::Unknown);
    }
}
