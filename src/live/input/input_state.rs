//! One input as the supervisor sees it: what its source does, how that source is opened again, how its samples are. Fed by
//! the supervisor's events and the time; the threads `tympan-open` report to the supervisor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::reopening::{Reopen, RetrySchedule};
use super::started::Started;
use crate::domain::{Counters, SampleRate};
use crate::live::event::SupervisorEvent;
use crate::live::health::InputLevel;
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
    /// How it is opened again; without it, a lost source ends the daemon.
    pub(in crate::live) reopen: Option<Reopen>,
    /// How much audio a ring holds.
    pub(in crate::live) ring: Duration,
    /// Takes a ring for each time that the source is opened; none once it has ended, so that its events end as well.
    pub(in crate::live) rings: Option<Sender<SampleConsumer>>,
    pub(in crate::live) level: Arc<InputLevel>,
    pub(in crate::live) counters: Arc<Counters>,
    pub(in crate::live) events: Sender<SupervisorEvent>,
    pub(in crate::live) state: InputState,
}

/// What the source of an input does.
pub(in crate::live) enum InputState {
    /// It delivers.
    Running(Box<dyn RunningSource>),
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
    /// It was lost for good.
    Failed(SourceError),
    /// It delivers again.
    Recovered,
}

impl Input {
    /// The state of a source that was lost at `now`, or of one that has not been started.
    pub(in crate::live) fn lost(now: Instant) -> InputState {
        InputState::Lost(RetrySchedule::new(now))
    }

    /// Whether the source delivers, as far as is known.
    pub(in crate::live) fn is_running(&self) -> bool {
        matches!(self.state, InputState::Running(_))
    }

    /// Whether nothing can arrive, and attempts to open the source are made. An attempt that takes too long is a driver that
    /// hangs: no other will ever follow.
    pub(in crate::live) fn is_reopening(&self, now: Instant) -> bool {
        match &self.state {
            InputState::Running(_) => false,
            InputState::Lost(_) | InputState::Proving { .. } => true,
            InputState::Opening { since, .. } => {
                now.saturating_duration_since(*since) <= ATTEMPT_PATIENCE
            }
        }
    }

    /// Looks at the source once: notices that it has ended, is lost or delivers again, and begins an attempt when one is due.
    pub(in crate::live) fn poll(&mut self, now: Instant) -> Option<InputChange> {
        let is_proving = matches!(self.state, InputState::Proving { .. });
        let running = match &mut self.state {
            InputState::Opening { .. } => return None,
            InputState::Lost(retries) => {
                if retries.is_due(now) {
                    self.open(now);
                }
                return None;
            }
            InputState::Running(running) | InputState::Proving { running, .. } => running,
        };
        match running.state() {
            SourceState::Running => self.recover(now),
            SourceState::Ended => {
                self.rings = None;
                Some(InputChange::Ended)
            }
            SourceState::Lost(error) if !self.may_reopen() => Some(InputChange::Failed(error)),
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
    fn recover(&mut self, now: Instant) -> Option<InputChange> {
        let InputState::Proving { samples_before, .. } = &self.state else { return None };
        if self.level.samples.get() <= *samples_before {
            return None;
        }
        if let InputState::Proving { running, .. } =
            std::mem::replace(&mut self.state, Self::lost(now))
        {
            self.state = InputState::Running(running);
        }
        Some(InputChange::Recovered)
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

    fn may_reopen(&self) -> bool {
        self.reopen.is_some() && !self.leaked_stream_limit_reached()
    }

    /// Whether lost streams hold so much of the process that a fresh one should go on.
    fn leaked_stream_limit_reached(&self) -> bool {
        let leaked = self.counters.streams_left_behind.get();
        if leaked >= MAX_LEAKED_STREAMS {
            log::error!("{leaked} streams never closed; it takes a fresh process to go on");
        }
        leaked >= MAX_LEAKED_STREAMS
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
        retries.failed(error, now);
        self.state = InputState::Lost(retries);
    }

    /// The retries of the present state, or new ones, as of `now`.
    fn take_retries(&mut self, now: Instant) -> RetrySchedule {
        match std::mem::replace(&mut self.state, Self::lost(now)) {
            InputState::Running(_) => RetrySchedule::new(now),
            InputState::Lost(retries)
            | InputState::Opening { retries, .. }
            | InputState::Proving { retries, .. } => retries,
        }
    }
}
