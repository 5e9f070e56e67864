//! Everything the stages are told. Made by a command from a bundle and a configuration, consumed by `topology`.

use std::sync::Arc;
use std::time::Duration;

use super::StatusBoard;
use crate::domain::Counters;
use crate::domain::Overflow;
use crate::features::FeaturiserSpec;
use crate::recognition::DetectorSpec;

/// How a pipeline listens.
#[derive(Debug, Clone)]
pub struct PipelineSpec {
    /// Samples → windows, from the bundle.
    pub featuriser: FeaturiserSpec,
    /// Time constant of the smoothing of scores; zero: none.
    pub smoothing: Duration,
    /// When events begin and end.
    pub detector: DetectorSpec,
    /// Labels, as indices, of which no recording may be kept; see
    /// [`Recogniser::with_veto`](crate::recognition::Recogniser::with_veto).
    pub veto: Vec<usize>,
    /// How many labels a window record lists.
    pub top: usize,
    /// Live, what finds a queue full is dropped and counted; offline, everybody waits and nothing is lost. The source's
    /// pace has to be chosen to match.
    pub overflow: Overflow,
    /// Audio that may wait to be heard; 2 s are usual.
    pub ring: Duration,
    /// This much audio that is exactly zero makes the input `silent`; 10 s are usual.
    pub silent_after: Duration,
    /// The source in words, for the status that says what is listened to.
    pub device: String,
    /// The model in words, for the same.
    pub model: String,
    /// Where every stage counts.
    pub counters: Arc<Counters>,
    /// Where the daemon tells how it is, for whoever asks.
    pub board: Arc<StatusBoard>,
}
