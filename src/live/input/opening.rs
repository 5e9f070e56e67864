//! A source that was opened and started, and when one that was lost is opened again: ever more rarely, on a thread of its own,
//! because a device or its server may take seconds to answer. Owned by an input; the time is an argument.

use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Opens the source anew, by its stable id, whatever its rate is by then.
pub type Reopen = Arc<dyn Fn() -> Result<Box<dyn Source>, SourceError> + Send + Sync>;

/// From one attempt to the next: a tenth of the time since the loss, so that what is back soon is opened soon, and what
/// stays away for days costs nothing; but within these bounds.
const SHARE: u32 = 10;
const MIN_PAUSE: Duration = Duration::from_millis(150);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The attempts to open a source since it was lost.
pub(in crate::live) struct RetrySchedule {
    lost_at: Instant,
    next_attempt: Instant,
    /// Why the last attempt failed.
    last_error: Option<String>,
}

impl RetrySchedule {
    /// The source was lost at `now`; the first attempt is due at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { lost_at: now, next_attempt: now, last_error: None }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next_attempt
    }

    /// The attempt failed, or what it opened was lost again. Whether for another reason than the time before.
    pub(super) fn failed(&mut self, error: &str, now: Instant) -> bool {
        let pause = now.saturating_duration_since(self.lost_at) / SHARE;
        self.next_attempt = now + pause.clamp(MIN_PAUSE, MAX_PAUSE);
        let is_new = self.last_error.as_deref() != Some(error);
        if is_new {
            self.last_error = Some(error.to_owned());
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_follow_each_other_ever_more_rarely() {
        let begin = Instant::now();
        let mut retries = RetrySchedule::new(begin);
        let mut moments = Vec::new();
        for ms in (0..120_000).step_by(50) {
            let now = begin + Duration::from_millis(ms);
            if retries.is_due(now) {
                moments.push(ms);
                retries.failed("unplugged", now);
            }
        }
        let pauses: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses[..5].iter().all(|pause| *pause <= 250), "{pauses:?}");
        assert!(pauses.is_sorted_by(|a, b| *a <= *b + 50), "{pauses:?}");
        assert!(*pauses.last().unwrap() >= 5_000, "{pauses:?}");
    }
}
