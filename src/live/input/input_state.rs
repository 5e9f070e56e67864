//! One input as the supervisor sees it: what its source does, how that source is opened again, how its samples are. Fed by
//! the supervisor's events and the time; the threads `tympan-open` report to the supervisor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::opening::Started;
use super::opening::{Reopen, RetrySchedule};
use crate::domain::{InputCounters, SampleRate};
use crate::live::event::SupervisorEvent;
use crate::live::health::{
    CounterSnapshot, Health, InputConditions, InputLevel, InputTiming, Progress, StateChange,
};
use crate::sources::{RunningSource, SampleConsumer, SourceError, SourceState};

/// Streams that hang in their driver for ever, before the daemon ends for the service manager to start it again: through
/// ALSA's `pulse` plugin each keeps three threads and eight of the usual 1024 descriptors.
const MAX_LEAKED_STREAMS: u64 = 32;

/// Twice what the slowest of hosts takes to say that nobody answers.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(60);

/// An input of the daemon.
pub(in crate::live) struct Input {
    /// Which one it is, as its events say.
    pub(in crate::live) index: usize,
    /// Its name in the records.
    pub(in crate::live) name: Arc<str>,
    /// The source in words, as it was opened last.
    pub(in crate::live) description: String,
    /// The source's, as it was opened last.
    pub(in crate::live) sample_rate: SampleRate,
    /// How it is opened again; without it, a lost source ends the input.
    pub(in crate::live) reopen: Option<Reopen>,
    /// What it may be judged by.
    pub(in crate::live) timing: InputTiming,
    /// So much audio that is exactly zero makes it `silent`.
    pub(in crate::live) silent_after: Duration,
    /// How much audio a ring holds.
    pub(in crate::live) ring: Duration,
    /// Takes a ring for each time that the source is opened; none once it has ended, so that its events end as well.
    pub(in crate::live) rings: Option<Sender<SampleConsumer>>,
    pub(in crate::live) level: Arc<InputLevel>,
    pub(in crate::live) counters: Arc<InputCounters>,
    pub(in crate::live) events: Sender<SupervisorEvent>,
    pub(in crate::live) state: InputState,
}

/// What the source of an input does.
pub(in crate::live) enum InputState {
    /// It delivers; its health says how well.
    Running { running: Box<dyn RunningSource>, health: Box<Health> },
    /// It has delivered everything.
    Ended,
    /// It waits for the next attempt to open it.
    Lost(RetrySchedule),
    /// An attempt has been under way since then.
    Opening { retries: RetrySchedule, since: Instant },
    /// It was opened again, and has yet to deliver a sample more than the input had then.
    Proving { running: Box<dyn RunningSource>, retries: RetrySchedule, samples_before: u64 },
}

/// What the supervisor has to know of an input.
#[derive(Debug)]
pub(in crate::live) enum InputChange {
    /// It has delivered everything.
    Ended,
    /// It was lost and is opened again.
    Lost(SourceError),
    /// It was lost for good: it has nothing more to deliver.
    Failed(SourceError),
    /// It was lost, and only a fresh process should open it again.
    Exhausted(SourceError),
    /// It delivers again.
    Recovered,
    /// It delivers better or worse than before.
    Health(StateChange),
}

impl Input {
    /// The state of a source that was lost at `now`, or of one that has not been started.
    pub(in crate::live) fn lost(now: Instant) -> InputState {
        InputState::Lost(RetrySchedule::new(now))
    }

    /// Listens to a source that was started at `now`: what was lost before that does not count.
    pub(in crate::live) fn run(
        &mut self,
        running: Box<dyn RunningSource>,
        now: Instant,
        conditions: &InputConditions,
    ) {
        let first = self.snapshot(conditions);
        let health =
            Health::new(self.timing, self.silent_after, self.sample_rate, now, first).into();
        self.state = InputState::Running { running, health };
    }

    /// What has to move while the input is well, `window` samples making one; none while nothing can arrive. An attempt to
    /// open the source that takes too long is a driver that hangs: no other will ever follow.
    pub(in crate::live) fn progress(&self, window: u64, now: Instant) -> Option<Progress> {
        let can_arrive = match &self.state {
            InputState::Running { .. } => true,
            InputState::Ended | InputState::Lost(_) | InputState::Proving { .. } => false,
            InputState::Opening { since, .. } => {
                now.saturating_duration_since(*since) > ATTEMPT_PATIENCE
            }
        };
        can_arrive.then(|| Progress {
            samples: self.level.samples.get(),
            windows_scored: self.counters.windows_scored.get(),
            window_due_samples: 2 * window,
        })
    }

    /// Looks at the source once: notices that it has ended, is lost, delivers again, or how well it delivers, and begins an
    /// attempt when one is due.
    pub(in crate::live) fn poll(
        &mut self,
        now: Instant,
        conditions: &InputConditions,
    ) -> Option<InputChange> {
        let is_proving = matches!(self.state, InputState::Proving { .. });
        let running = match &mut self.state {
            InputState::Opening { .. } => return None,
            InputState::Ended => return Some(InputChange::Ended),
            InputState::Lost(retries) => {
                if retries.is_due(now) {
                    self.open(now);
                }
                return None;
            }
            InputState::Running { running, .. } | InputState::Proving { running, .. } => running,
        };
        match running.state() {
            SourceState::Running if is_proving => self.recover(now, conditions),
            SourceState::Running => self.observe(now, conditions),
            SourceState::Ended => {
                (self.rings, self.state) = (None, InputState::Ended);
                Some(InputChange::Ended)
            }
            SourceState::Lost(error) if self.reopen.is_none() => {
                (self.rings, self.state) = (None, InputState::Ended);
                Some(InputChange::Failed(error))
            }
            SourceState::Lost(error) if self.is_exhausted(conditions) => {
                Some(InputChange::Exhausted(error))
            }
            SourceState::Lost(error) if is_proving => {
                self.attempt_failed(&error.to_string(), now);
                None
            }
            SourceState::Lost(error) => {
                // closes the ring: what it holds is still processed
                self.state = Self::lost(now);
                Some(InputChange::Lost(error))
            }
        }
    }

    /// Goes from proving to running with the first sample.
    fn recover(&mut self, now: Instant, conditions: &InputConditions) -> Option<InputChange> {
        let InputState::Proving { samples_before, .. } = &self.state else { return None };
        if self.level.samples.get() <= *samples_before {
            return None;
        }
        if let InputState::Proving { running, .. } =
            std::mem::replace(&mut self.state, Self::lost(now))
        {
            self.run(running, now, conditions);
        }
        Some(InputChange::Recovered)
    }

    /// Judges how well the source delivers.
    fn observe(&mut self, now: Instant, conditions: &InputConditions) -> Option<InputChange> {
        let snapshot = self.snapshot(conditions);
        let InputState::Running { health, .. } = &mut self.state else { return None };
        health.observe(now, snapshot, conditions.stall.clone()).map(InputChange::Health)
    }

    fn snapshot(&self, conditions: &InputConditions) -> CounterSnapshot {
        CounterSnapshot::take(&self.counters, &self.level, conditions)
    }

    /// An attempt is over; gives the source if it was opened, which then goes to [`Self::attach`].
    pub(in crate::live) fn opened(
        &mut self,
        result: Result<Started, String>,
        now: Instant,
    ) -> Option<Started> {
        match result {
            Ok(started) => {
                self.sample_rate = started.sample_rate;
                self.description.clone_from(&started.description);
                Some(started)
            }
            Err(error) => {
                self.attempt_failed(&error, now);
                None
            }
        }
    }

    /// Hands the ring of a source that was opened again to the feature stage, which comes to it once the one before is
    /// drained. Statuses that its records depend on have been published.
    pub(in crate::live) fn attach(&mut self, started: Started, now: Instant) {
        let Started { running, ring, .. } = started;
        let samples_before = self.level.samples.get();
        if self.attach_ring(ring) {
            let retries = self.take_retries(now);
            self.state = InputState::Proving { running, retries, samples_before };
        } else {
            self.attempt_failed("the samples from before the loss are still being processed", now);
        }
    }

    /// Hands a ring to the feature stage; says whether it will come to it.
    pub(in crate::live) fn attach_ring(&self, ring: SampleConsumer) -> bool {
        self.rings.as_ref().is_some_and(|rings| rings.try_send(ring).is_ok())
    }

    /// Whether lost streams hold so much of the process that a fresh one should go on.
    fn is_exhausted(&self, conditions: &InputConditions) -> bool {
        let leaked = conditions.streams_left_behind;
        if leaked >= MAX_LEAKED_STREAMS {
            log::error!("{leaked} streams never closed; it takes a fresh process to go on");
        }
        leaked >= MAX_LEAKED_STREAMS
    }

    /// Begins what dropping the source waits for.
    pub(in crate::live) fn begin_stop(&mut self) {
        if let InputState::Running { running, .. } | InputState::Proving { running, .. } =
            &mut self.state
        {
            running.begin_stop();
        }
    }

    fn open(&mut self, now: Instant) {
        let Some(reopen) = self.reopen.clone() else { return };
        let (events, input) = (self.events.clone(), self.index);
        let (ring, counters) = (self.ring, Arc::clone(&self.counters));
        let open = move || {
            let started = reopen().and_then(|source| Started::new(source, ring, counters));
            started.map_err(|error| error.to_string())
        };
        let opening = std::thread::Builder::new().name("tympan-open".to_owned()).spawn(move || {
            // nothing of the attempt is used after its panic
            let result = catch_unwind(AssertUnwindSafe(open))
                .unwrap_or_else(|_| Err("the attempt panicked".to_owned()));
            // the supervisor may have ended
            let _ = events.send(SupervisorEvent::InputOpened { input, result });
        });
        match opening {
            Ok(_) => {
                let retries = self.take_retries(now);
                self.state = InputState::Opening { retries, since: now };
            }
            Err(error) => self.attempt_failed(&error.to_string(), now),
        }
    }

    fn attempt_failed(&mut self, error: &str, now: Instant) {
        let mut retries = self.take_retries(now);
        // once for each reason, however many attempts there are
        if retries.failed(error, now) {
            log::info!("{}: not back yet: {error}", self.name);
        }
        self.state = InputState::Lost(retries);
    }

    /// The retries of the present state, or new ones, as of `now`.
    fn take_retries(&mut self, now: Instant) -> RetrySchedule {
        match std::mem::replace(&mut self.state, Self::lost(now)) {
            InputState::Running { .. } | InputState::Ended => RetrySchedule::new(now),
            InputState::Lost(retries)
            | InputState::Opening { retries, .. }
            | InputState::Proving { retries, .. } => retries,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::domain::State;
    use crate::live::health::SinkStall;

    /// Delivers until a loss is set.
    struct Losable(Arc<Mutex<Option<SourceError>>>);

    impl RunningSource for Losable {
        fn state(&mut self) -> SourceState {
            self.0.lock().unwrap().take().map_or(SourceState::Running, SourceState::Lost)
        }
    }

    struct Watched {
        input: Input,
        loss: Arc<Mutex<Option<SourceError>>>,
        began: Instant,
    }

    impl Watched {
        /// Running, and opened again by nothing that ever answers.
        fn new(index: usize, began: Instant) -> Self {
            let unplugged = || Err(unplugged());
            let mut input = Input {
                index,
                name: "mic".into(),
                description: "a microphone".to_owned(),
                sample_rate: SampleRate::new(16_000).unwrap(),
                reopen: Some(Arc::new(unplugged)),
                timing: InputTiming::Live,
                silent_after: Duration::from_secs(10),
                ring: Duration::from_secs(1),
                rings: None,
                level: Arc::default(),
                counters: Arc::default(),
                events: crossbeam_channel::unbounded().0,
                state: Input::lost(began),
            };
            let loss = Arc::default();
            input.run(Box::new(Losable(Arc::clone(&loss))), began, &InputConditions::default());
            Self { input, loss, began }
        }

        fn after(&mut self, ms: u64, conditions: &InputConditions) -> Option<InputChange> {
            self.input.poll(self.began + Duration::from_millis(ms), conditions)
        }
    }

    fn unplugged() -> SourceError {
        SourceError::DeviceLost { device: "mic".to_owned(), reason: "unplugged".to_owned() }
    }

    fn state(change: Option<InputChange>) -> Option<State> {
        match change {
            Some(InputChange::Health(change)) => Some(change.state),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_one_input_loses_is_no_overload_of_another_and_what_an_output_loses_is_one_of_all() {
        let (began, nothing) = (Instant::now(), InputConditions::default());
        let (mut near, mut far) = (Watched::new(0, began), Watched::new(1, began));
        far.input.counters.windows_skipped.add(1);
        assert_eq!(state(near.after(50, &nothing)), None);
        assert_eq!(state(far.after(50, &nothing)), Some(State::Overloaded));
        assert_eq!(state(far.after(6_000, &nothing)), Some(State::Listening));
        let dropped = InputConditions { events_dropped: 1, ..nothing };
        assert_eq!(state(near.after(6_050, &dropped)), Some(State::Overloaded));
        assert_eq!(state(far.after(6_050, &dropped)), Some(State::Overloaded));
        let stall = Some(SinkStall { sink: "log".to_owned(), lasting: Duration::from_secs(9) });
        let stalled = InputConditions { stall, ..dropped };
        assert_eq!(state(near.after(13_000, &stalled)), Some(State::Stalled));
        assert_eq!(state(far.after(13_000, &stalled)), Some(State::Stalled));
    }

    #[test]
    fn an_input_that_is_lost_owes_no_progress_and_the_other_one_does() {
        let (began, nothing) = (Instant::now(), InputConditions::default());
        let (mut near, mut far) = (Watched::new(0, began), Watched::new(1, began));
        *far.loss.lock().unwrap() = Some(unplugged());
        assert_eq!(state(near.after(50, &nothing)), None);
        assert!(matches!(far.after(50, &nothing), Some(InputChange::Lost(_))));
        let now = began + Duration::from_millis(50);
        assert!(near.input.progress(3_904, now).is_some());
        assert!(far.input.progress(3_904, now).is_none());
        // the attempt to open it hangs in its driver
        far.input.state = InputState::Opening { retries: RetrySchedule::new(now), since: now };
        assert!(far.input.progress(3_904, now + ATTEMPT_PATIENCE).is_none());
        let too_long = now + ATTEMPT_PATIENCE + Duration::from_millis(1);
        assert!(far.input.progress(3_904, too_long).is_some());
    }
}
