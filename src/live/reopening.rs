//! A source, opened and started; and the way back to one that was lost: tried again and again, ever more rarely, on a thread
//! of its own, because a device or its server may take seconds to answer. Owned by the supervisor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::domain::{Counters, SampleRate};
use crate::sources::{RunningSource, SampleConsumer, Source, SourceError, sample_ring};

/// Opens the source anew, by its stable id, whatever its rate is by then.
pub type Reopen = Arc<dyn Fn() -> Result<Box<dyn Source>, SourceError> + Send + Sync>;

/// From one attempt to the next: a tenth of the time since the loss, so that what is back soon is heard soon, and what
/// stays away for days costs nothing; but within these bounds.
const SHARE: u32 = 10;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Twice what the slowest of hosts takes to say that nobody answers.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(60);

/// A source that fills a ring.
pub(super) struct Started {
    pub(super) running: Box<dyn RunningSource>,
    pub(super) ring: SampleConsumer,
    pub(super) sample_rate: SampleRate,
    /// In words.
    pub(super) description: String,
}

impl Started {
    /// Starts a source into a ring of its own, which holds so much audio.
    ///
    /// # Errors
    /// The source's own.
    pub(super) fn new(
        source: Box<dyn Source>,
        ring: Duration,
        counters: Arc<Counters>,
    ) -> Result<Self, SourceError> {
        let (sample_rate, description) = (source.sample_rate(), source.description());
        let (producer, ring) = sample_ring(sample_rate, ring, counters);
        Ok(Self { running: source.start(producer)?, ring, sample_rate, description })
    }
}

/// A source that is being waited for.
pub(super) struct Reopening {
    reopen: Reopen,
    ring: (Duration, Arc<Counters>),
    lost_at: Instant,
    next_attempt: Instant,
    /// The one under way, and when it began.
    attempt: Option<(Instant, Receiver<Result<Started, SourceError>>)>,
    /// Why the last attempt failed, to be told once.
    obstacle: Option<String>,
    /// Samples that had been heard when the source was started again: with one more it delivers.
    pub(super) heard_before: u64,
}

impl Reopening {
    /// The source was lost `now`; the first attempt follows at once.
    pub(super) fn new(reopen: Reopen, ring: (Duration, Arc<Counters>), now: Instant) -> Self {
        let (lost_at, next_attempt) = (now, now);
        let (attempt, obstacle, heard_before) = (None, None, 0);
        Self { reopen, ring, lost_at, next_attempt, attempt, obstacle, heard_before }
    }

    /// One look: begins an attempt when it is time, gives the source when one has succeeded.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Started> {
        let Some((_, attempt)) = &self.attempt else {
            if now >= self.next_attempt {
                self.begin(now);
            }
            return None;
        };
        match attempt.try_recv() {
            Ok(Ok(started)) => {
                self.attempt = None;
                Some(started)
            }
            Ok(Err(error)) => {
                self.failed(&error.to_string(), now);
                None
            }
            Err(TryRecvError::Disconnected) => {
                self.failed("the attempt panicked", now);
                None
            }
            Err(TryRecvError::Empty) => None,
        }
    }

    /// Whether an attempt has been under way for so long that no other will ever follow: a driver that hangs.
    pub(super) fn hangs(&self, now: Instant) -> bool {
        let began = self.attempt.as_ref().map(|(began, _)| *began);
        began.is_some_and(|began| now.saturating_duration_since(began) > ATTEMPT_PATIENCE)
    }

    /// The attempt failed, or what it opened is gone again.
    pub(super) fn failed(&mut self, why: &str, now: Instant) {
        self.attempt = None;
        let pause = (now.saturating_duration_since(self.lost_at) / SHARE).clamp(SHORTEST, LONGEST);
        self.next_attempt = now + pause;
        if self.obstacle.as_deref() != Some(why) {
            log::info!("not back yet: {why}");
            self.obstacle = Some(why.to_owned());
        }
    }

    fn begin(&mut self, now: Instant) {
        let (done, attempt) = bounded(1);
        let (reopen, (ring, counters)) = (Arc::clone(&self.reopen), self.ring.clone());
        let opening = std::thread::Builder::new().name("tympan-open".to_owned()).spawn(move || {
            // nobody waits any more when the daemon has ended meanwhile
            let _ = done.send(reopen().and_then(|source| Started::new(source, ring, counters)));
        });
        match opening {
            Ok(_) => self.attempt = Some((now, attempt)),
            Err(error) => self.failed(&error.to_string(), now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Counter;

    #[test]
    fn attempts_follow_each_other_ever_more_rarely() {
        let attempts = Arc::new(Counter::default());
        let counted = Arc::clone(&attempts);
        let begin = Instant::now();
        let absent: Reopen = Arc::new(move || {
            counted.add(1);
            Err(SourceError::DeviceLost { device: "mic".into(), reason: "unplugged".into() })
        });
        let mut reopening = Reopening::new(absent, (Duration::from_secs(1), Arc::default()), begin);
        let mut moments = Vec::new();
        for ms in (0..120_000).step_by(50) {
            let before = attempts.get();
            assert!(reopening.turn(begin + Duration::from_millis(ms)).is_none());
            if reopening.attempt.is_some() {
                // the clock of the test stands still meanwhile
                while attempts.get() == before {
                    std::thread::yield_now();
                }
                moments.push(ms);
            }
            while reopening.attempt.as_ref().is_some_and(|(_, attempt)| attempt.is_empty()) {
                std::thread::yield_now();
            }
        }
        let pauses: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses[..5].iter().all(|pause| *pause <= 250), "{pauses:?}");
        assert!(pauses.is_sorted_by(|a, b| *a <= *b + 50), "{pauses:?}");
        assert!(*pauses.last().unwrap() >= 5_000, "{pauses:?}");
    }
}
