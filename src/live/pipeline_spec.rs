//! Everything the stages are told. Made by a command from a bundle and a configuration, consumed by `topology`.

use std::sync::Arc;
use std::time::Duration;

use super::{Recipe, StatusBoard};
use crate::domain::Counters;
use crate::domain::Overflow;

/// How a pipeline listens.
#[derive(Debug, Clone)]
pub struct PipelineSpec {
    /// Samples → records.
    pub recipe: Recipe,
    /// Live, what finds a queue full is dropped and counted; offline, everybody waits and nothing is lost. The source's
    /// pace has to be chosen to match.
    pub overflow: Overflow,
    /// Audio that may wait to be heard; 2 s are usual.
    pub ring: Duration,
    /// This much audio that is exactly zero makes the input `silent`; 10 s are usual.
    pub silent_after: Duration,
    /// The source in words, for the status that says what is listened to.
    pub device: String,
    /// Where every stage counts.
    pub counters: Arc<Counters>,
    /// Where the daemon tells how it is, for whoever asks.
    pub board: Arc<StatusBoard>,
}
