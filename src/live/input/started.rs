//! A source that was opened and started. Made by the supervisor for the first time, on `tympan-open` after a loss.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{InputCounters, SampleRate};
use crate::sources::{RunningSource, SampleConsumer, Source, SourceError, sample_ring};

/// A source that fills a ring.
pub(in crate::live) struct Started {
    pub(in crate::live) running: Box<dyn RunningSource>,
    pub(in crate::live) ring: SampleConsumer,
    pub(in crate::live) sample_rate: SampleRate,
    /// In words.
    pub(in crate::live) description: String,
}

impl Started {
    /// Starts a source into a ring of its own, which holds so much audio.
    ///
    /// # Errors
    /// The source's own.
    pub(in crate::live) fn new(
        source: Box<dyn Source>,
        ring: Duration,
        counters: Arc<InputCounters>,
    ) -> Result<Self, SourceError> {
        let (sample_rate, description) = (source.sample_rate(), source.description());
        let (producer, ring) = sample_ring(sample_rate, ring, counters);
        Ok(Self { running: source.start(producer)?, ring, sample_rate, description })
    }
}
