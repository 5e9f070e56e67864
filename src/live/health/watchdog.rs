//! Whether the daemon may ping the service manager's watchdog: only while any of the inputs that should get audio does, the windows
//! of each are scored, and no sink stands still. Polled by the supervisor at every tick; pure: time is an argument.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sinks::SinkMetrics;

/// The service manager gets four pings in the time after which it would kill the daemon: one may come late, and one may be
/// held back by a stall that passes.
const PINGS: u32 = 4;

/// What moves while an input is well.
#[derive(Debug, Clone, Copy)]
pub(in crate::live) struct Progress {
    /// Samples that the feature stage has taken.
    pub(in crate::live) samples: u64,
    pub(in crate::live) windows_scored: u64,
    /// So many more samples than at the last window mean that another one was due: two windows, more than any hop or
    /// resampler makes of it.
    pub(in crate::live) window_due_samples: u64,
}

/// What does not move.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::live) enum Stall {
    Audio,
    Scoring,
    Sink(String),
}

impl std::fmt::Display for Stall {
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

/// What there is to do at a tick.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::live) enum WatchdogAction {
    /// No ping is due, or none may be sent.
    Wait,
    /// The daemon is well.
    Ping,
    /// The ping is overdue; once in a row.
    Warn(Stall),
}

/// Remembers what had moved at the last ping.
pub(in crate::live) struct Watchdog {
    patience: Duration,
    pinged_at: Instant,
    has_warned: bool,
    /// `[inputs]`
    inputs: Vec<WatchedInput>,
    sinks: Vec<(Arc<SinkMetrics>, u64)>,
}

/// What is remembered of one input.
#[derive(Clone, Default)]
struct WatchedInput {
    samples_at_ping: u64,
    scored: u64,
    samples_when_scored: u64,
}

impl WatchedInput {
    fn update(&mut self, progress: &Progress) {
        if progress.windows_scored != self.scored {
            (self.scored, self.samples_when_scored) = (progress.windows_scored, progress.samples);
        }
    }

    fn stall(&self, progress: &Progress) -> Option<Stall> {
        if progress.samples == self.samples_at_ping {
            return Some(Stall::Audio);
        }
        (progress.samples - self.samples_when_scored > progress.window_due_samples)
            .then_some(Stall::Scoring)
    }
}

impl Watchdog {
    /// One that kills the daemon after `patience`, pinged `now`, before any of its `inputs` has delivered.
    pub(in crate::live) fn new(
        patience: Duration,
        inputs: usize,
        sinks: &[Arc<SinkMetrics>],
        now: Instant,
    ) -> Self {
        let sinks = sinks.iter().map(|sink| (Arc::clone(sink), sink.attempts())).collect();
        Self {
            patience,
            pinged_at: now,
            has_warned: false,
            inputs: vec![WatchedInput::default(); inputs],
            sinks,
        }
    }

    /// Whether to ping, once that is due. `progress` is of each input; none where nothing can arrive at present, because the
    /// source has ended, or attempts to open it again are being made.
    pub(in crate::live) fn poll(
        &mut self,
        now: Instant,
        progress: &[Option<Progress>],
    ) -> WatchdogAction {
        for (input, progress) in self.expected(progress) {
            input.update(progress);
        }
        let since_ping = now.saturating_duration_since(self.pinged_at);
        if since_ping < self.patience / PINGS {
            return WatchdogAction::Wait;
        }
        match self.stall(progress) {
            None => {
                (self.pinged_at, self.has_warned) = (now, false);
                for (input, progress) in self.expected(progress) {
                    input.samples_at_ping = progress.samples;
                }
                for (sink, attempts) in &mut self.sinks {
                    *attempts = sink.attempts();
                }
                WatchdogAction::Ping
            }
            Some(stall) if since_ping >= self.patience / 2 && !self.has_warned => {
                self.has_warned = true;
                WatchdogAction::Warn(stall)
            }
            Some(_) => WatchdogAction::Wait,
        }
    }

    /// The inputs that should make progress.
    fn expected<'a>(
        &'a mut self,
        progress: &'a [Option<Progress>],
    ) -> impl Iterator<Item = (&'a mut WatchedInput, &'a Progress)> {
        self.inputs
            .iter_mut()
            .zip(progress)
            .filter_map(|(it, progress)| Some((it, progress.as_ref()?)))
    }

    /// What has not moved since the last ping. A sink that fails and reports it moves: its error is logged, and to start
    /// again would not mend a full disk.
    fn stall(&mut self, progress: &[Option<Progress>]) -> Option<Stall> {
        let still = |(sink, attempts): &&(Arc<SinkMetrics>, u64)| {
            sink.is_busy() && sink.attempts() == *attempts
        };
        if let Some((sink, _)) = self.sinks.iter().find(still) {
            return Some(Stall::Sink(sink.name().to_owned()));
        }
        let stalls: Vec<_> =
            self.expected(progress).map(|(input, progress)| input.stall(progress)).collect();
        if stalls.contains(&Some(Stall::Scoring)) {
            return Some(Stall::Scoring);
        }
        // one that gets nothing is reported as silent; the others go on
        let are_all_silent = !stalls.is_empty() && stalls.iter().all(Option::is_some);
        are_all_silent.then_some(Stall::Audio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Watched {
        watchdog: Watchdog,
        began: Instant,
    }

    impl Watched {
        fn new() -> Self {
            let began = Instant::now();
            let watchdog = Watchdog::new(Duration::from_secs(8), 2, &[], began);
            Self { watchdog, began }
        }

        /// With one input that does so, and one that has ended.
        fn after(&mut self, seconds: u64, progress: Option<Progress>) -> WatchdogAction {
            self.both_after(seconds, [progress, None])
        }

        fn both_after(&mut self, seconds: u64, both: [Option<Progress>; 2]) -> WatchdogAction {
            self.watchdog.poll(self.began + Duration::from_secs(seconds), &both)
        }
    }

    fn progress(samples: u64, windows_scored: u64) -> Option<Progress> {
        Some(Progress { samples, windows_scored, window_due_samples: 20_000 })
    }

    #[test]
    fn while_audio_comes_and_is_scored_it_is_pinged_four_times_in_its_patience() {
        let mut watched = Watched::new();
        for second in 1..=32 {
            let action = watched.after(second, progress(16_000 * second, 12 * second));
            let expected =
                if second % 2 == 0 { WatchdogAction::Ping } else { WatchdogAction::Wait };
            assert_eq!(action, expected, "{second}");
        }
    }

    #[test]
    fn a_model_that_hangs_gets_no_ping_and_one_warning() {
        let mut watched = Watched::new();
        assert_eq!(watched.after(2, progress(32_000, 24)), WatchdogAction::Ping);
        assert_eq!(watched.after(3, progress(48_000, 24)), WatchdogAction::Wait);
        assert_eq!(watched.after(4, progress(64_000, 24)), WatchdogAction::Wait);
        assert_eq!(watched.after(6, progress(96_000, 24)), WatchdogAction::Warn(Stall::Scoring));
        assert_eq!(watched.after(7, progress(112_000, 24)), WatchdogAction::Wait);
        // it woke up before it was too late
        assert_eq!(watched.after(8, progress(128_000, 28)), WatchdogAction::Ping);
    }

    #[test]
    fn a_source_that_neither_delivers_nor_is_lost_gets_no_ping_and_one_that_is_tried_again_does() {
        let mut watched = Watched::new();
        assert_eq!(watched.after(2, progress(32_000, 24)), WatchdogAction::Ping);
        for second in [4, 6, 100, 3_600] {
            assert_eq!(watched.after(second, None), WatchdogAction::Ping);
        }
        assert_eq!(watched.after(3_602, progress(32_000, 24)), WatchdogAction::Wait);
        assert_eq!(watched.after(3_604, progress(32_000, 24)), WatchdogAction::Warn(Stall::Audio));
    }

    #[test]
    fn an_input_that_gets_nothing_costs_the_others_no_ping_and_one_that_is_not_scored_does() {
        let mut watched = Watched::new();
        let well = |second: u64| progress(16_000 * second, 12 * second);
        assert_eq!(watched.both_after(2, [well(2), well(2)]), WatchdogAction::Ping);
        // one is lost, and opened again meanwhile
        assert_eq!(watched.both_after(4, [well(4), None]), WatchdogAction::Ping);
        // it came back; whatever writes it hangs, which its state says
        assert_eq!(watched.both_after(6, [well(6), well(3)]), WatchdogAction::Ping);
        assert_eq!(watched.both_after(8, [well(8), well(3)]), WatchdogAction::Ping);
        // now both do
        assert_eq!(watched.both_after(10, [well(8), well(3)]), WatchdogAction::Wait);
        let warned = watched.both_after(12, [well(8), well(3)]);
        assert_eq!(warned, WatchdogAction::Warn(Stall::Audio));
        // no window of one input is scored, many of the other are
        let mut watched = Watched::new();
        assert_eq!(watched.both_after(2, [well(2), well(2)]), WatchdogAction::Ping);
        let unscored = progress(96_000, 24);
        assert_eq!(
            watched.both_after(6, [well(6), unscored]),
            WatchdogAction::Warn(Stall::Scoring)
        );
    }

    #[test]
    fn the_first_window_may_take_its_time() {
        let mut watched = Watched::new();
        assert_eq!(watched.after(2, progress(19_000, 0)), WatchdogAction::Ping);
        assert_eq!(watched.after(4, progress(38_000, 0)), WatchdogAction::Wait);
    }
}
