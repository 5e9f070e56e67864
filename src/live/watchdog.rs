//! Whether the daemon may tell the service manager that it is alive: only while audio arrives, windows are scored and no
//! sink stands still. Fed and asked by the supervisor at every turn; pure, so that time is whatever the caller says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sinks::SinkMetrics;

/// The service manager hears four times in the time after which it would kill the daemon: one word may come late, and one
/// may be held back by a stall that passes.
const FEEDS: u32 = 4;

/// What moves while the daemon is well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    /// Samples that the feature stage has looked at.
    pub(super) heard: u64,
    pub(super) windows_scored: u64,
    /// So many more samples than at the last window mean that another one was due: two windows, more than any hop or
    /// resampler makes of it.
    pub(super) window_due_samples: u64,
    /// Whether nothing can be heard, and attempts to open the source again are being made.
    pub(super) is_reopening: bool,
}

/// What does not move.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    Audio,
    Scoring,
    Sink(String),
}

impl std::fmt::Display for Stuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Audio => {
                f.write_str("no audio arrives, and the source does not say that it is lost")
            }
            Self::Scoring => f.write_str("audio arrives, and no window is scored: the model hangs"),
            Self::Sink(name) => {
                write!(f, "the sink {name} has been in one and the same write: nobody reads it")
            }
        }
    }
}

/// What there is to do at a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Feed {
    NotDue,
    /// The daemon is alive.
    Alive,
    /// It is overdue; told once in a row.
    Overdue(Stuck),
}

/// Remembers what had moved when it was last fed.
pub(super) struct Watchdog {
    patience: Duration,
    fed_at: Instant,
    told: bool,
    heard_when_fed: u64,
    scored: u64,
    heard_when_scored: u64,
    sinks: Vec<(Arc<SinkMetrics>, u64)>,
}

impl Watchdog {
    /// One that bites after `patience`, fed `now`.
    pub(super) fn new(
        patience: Duration,
        sinks: &[Arc<SinkMetrics>],
        now: Instant,
        pulse: Pulse,
    ) -> Self {
        let sinks = sinks.iter().map(|sink| (Arc::clone(sink), sink.attempts())).collect();
        Self {
            patience,
            fed_at: now,
            told: false,
            heard_when_fed: pulse.heard,
            scored: pulse.windows_scored,
            heard_when_scored: pulse.heard,
            sinks,
        }
    }

    /// One look: whether to feed it, once that is due.
    pub(super) fn turn(&mut self, now: Instant, pulse: Pulse) -> Feed {
        if pulse.windows_scored != self.scored {
            (self.scored, self.heard_when_scored) = (pulse.windows_scored, pulse.heard);
        }
        let unfed = now.saturating_duration_since(self.fed_at);
        if unfed < self.patience / FEEDS {
            return Feed::NotDue;
        }
        match self.stuck(pulse) {
            None => {
                (self.fed_at, self.heard_when_fed, self.told) = (now, pulse.heard, false);
                for (sink, attempts) in &mut self.sinks {
                    *attempts = sink.attempts();
                }
                Feed::Alive
            }
            Some(stuck) if unfed >= self.patience / 2 && !self.told => {
                self.told = true;
                Feed::Overdue(stuck)
            }
            Some(_) => Feed::NotDue,
        }
    }

    /// What has not moved since the last feeding. A sink that fails and says so moves: its error is told, and to start
    /// again would not mend a full disk.
    fn stuck(&self, pulse: Pulse) -> Option<Stuck> {
        let still = |(sink, attempts): &&(Arc<SinkMetrics>, u64)| {
            sink.is_busy() && sink.attempts() == *attempts
        };
        if let Some((sink, _)) = self.sinks.iter().find(still) {
            return Some(Stuck::Sink(sink.name().to_owned()));
        }
        if pulse.is_reopening {
            return None;
        }
        if pulse.heard == self.heard_when_fed {
            return Some(Stuck::Audio);
        }
        (pulse.heard - self.heard_when_scored > pulse.window_due_samples).then_some(Stuck::Scoring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Pulse =
        Pulse { heard: 0, windows_scored: 0, window_due_samples: 20_000, is_reopening: false };

    struct Fed {
        watchdog: Watchdog,
        began: Instant,
    }

    impl Fed {
        fn new() -> Self {
            let began = Instant::now();
            let watchdog = Watchdog::new(Duration::from_secs(8), &[], began, WELL);
            Self { watchdog, began }
        }

        fn after(&mut self, seconds: u64, pulse: Pulse) -> Feed {
            self.watchdog.turn(self.began + Duration::from_secs(seconds), pulse)
        }
    }

    fn pulse(heard: u64, windows_scored: u64) -> Pulse {
        Pulse { heard, windows_scored, ..WELL }
    }

    #[test]
    fn while_audio_comes_and_is_scored_it_is_fed_four_times_in_its_patience() {
        let mut fed = Fed::new();
        for second in 1..=32 {
            let feed = fed.after(second, pulse(16_000 * second, 12 * second));
            let expected = if second % 2 == 0 { Feed::Alive } else { Feed::NotDue };
            assert_eq!(feed, expected, "{second}");
        }
    }

    #[test]
    fn a_model_that_hangs_starves_it_and_is_told_once() {
        let mut fed = Fed::new();
        assert_eq!(fed.after(2, pulse(32_000, 24)), Feed::Alive);
        assert_eq!(fed.after(3, pulse(48_000, 24)), Feed::NotDue);
        assert_eq!(fed.after(4, pulse(64_000, 24)), Feed::NotDue);
        assert_eq!(fed.after(6, pulse(96_000, 24)), Feed::Overdue(Stuck::Scoring));
        assert_eq!(fed.after(7, pulse(112_000, 24)), Feed::NotDue);
        // it woke up before it was too late
        assert_eq!(fed.after(8, pulse(128_000, 28)), Feed::Alive);
    }

    #[test]
    fn a_source_that_neither_delivers_nor_is_lost_starves_it_and_one_that_is_tried_again_does_not()
    {
        let mut fed = Fed::new();
        let lost = Pulse { is_reopening: true, ..pulse(32_000, 24) };
        assert_eq!(fed.after(2, pulse(32_000, 24)), Feed::Alive);
        for second in [4, 6, 100, 3_600] {
            assert_eq!(fed.after(second, lost), Feed::Alive);
        }
        assert_eq!(fed.after(3_602, pulse(32_000, 24)), Feed::NotDue);
        assert_eq!(fed.after(3_604, pulse(32_000, 24)), Feed::Overdue(Stuck::Audio));
    }

    #[test]
    fn the_first_window_may_take_its_time() {
        let mut fed = Fed::new();
        assert_eq!(fed.after(2, pulse(19_000, 0)), Feed::Alive);
        assert_eq!(fed.after(4, pulse(38_000, 0)), Feed::NotDue);
    }
}
