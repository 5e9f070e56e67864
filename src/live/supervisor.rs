//! Watches a running pipeline and ends it in order. Fed by the source's state, the stages' failures, the sinks' ends and
//! the stop flag; publishes statuses; runs on the thread that called [`super::Daemon::run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use jiff::Timestamp;

use super::health::{Change, Health, Reading};
use super::pipeline_spec::PipelineSpec;
use super::reloading::{ReloadChange, Reloading};
use super::reopening::{Reopen, Reopening, Started};
use super::shutdown::Shutdown;
use super::stalls::{Stall, Stalls};
use super::topology::Pipeline;
use super::watchdog::Pulse;
use super::watched::Watched;
use super::{LiveError, Outcome, systemd};
use crate::domain::{Counters, Overflow, Record, SampleRate, State, StatusRecord};
use crate::protocol::ReloadStatus;
use crate::sinks::{SinkEnd, SinkError};
use crate::sources::{RunningSource, SampleConsumer, Source, SourceError, SourceState};

/// From one look at everything to the next: a stop or a lost device is noticed this late at most.
const TURN: Duration = Duration::from_millis(50);

/// Streams that hang in their driver for ever, before the daemon ends for the service manager to start it again: through
/// ALSA's `pulse` plugin each keeps three threads and eight of the usual 1024 descriptors.
const STREAMS_LEFT_BEHIND: u64 = 32;

/// Why the listening is over.
pub(super) enum Ending {
    SourceEnded,
    Stopped,
    ReaderGone,
    Failed(LiveError),
}

/// Holds the pipeline from its start to its end.
pub(super) struct Supervisor {
    pub(super) name: Arc<str>,
    /// The source's, as it was opened last.
    pub(super) sample_rate: SampleRate,
    pub(super) reopen: Option<Reopen>,
    pub(super) reloading: Option<Reloading>,
    pub(super) spec: PipelineSpec,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) pipeline: Pipeline,
}

/// Where the audio comes from just now: something that runs, or something that is waited for, or both, while what was
/// opened again has delivered nothing yet.
struct Input {
    running: Option<Box<dyn RunningSource>>,
    reopening: Option<Reopening>,
}

impl Supervisor {
    /// Listens to `source` until the end.
    pub(super) fn run(mut self, source: Box<dyn Source>) -> Result<Outcome, LiveError> {
        let (ending, input) = match self.start(source) {
            Ok(mut input) => (self.listen(&mut input), Some(input)),
            Err(ending) => (ending, None),
        };
        let detail = ending.to_string();
        log::debug!("{detail}");
        systemd::stopping(&detail);
        if let Ending::Failed(LiveError::SourceLost { source, .. }) = &ending {
            self.tell(State::Lost, source.to_string());
        }
        let last = self.status(State::Stopping, detail);
        let shutdown = Shutdown::new(self.stop, self.spec.overflow, &ending);
        // The head of the pipeline: the ring is closed, and everything behind it drains.
        drop(input);
        let outcome = shutdown.run(self.pipeline, last, ending);
        log_counts(&self.spec);
        outcome
    }

    /// Waits for the scorer to be warm, then starts the source, and tells of it.
    fn start(&self, source: Box<dyn Source>) -> Result<Input, Ending> {
        loop {
            match self.pipeline.ready.recv_timeout(TURN) {
                Ok(()) => break,
                Err(RecvTimeoutError::Timeout) if self.is_stopped() => return Err(Ending::Stopped),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // The stage dropped its end on the way out and tells why right after.
                    let thread = self.pipeline.classify.name;
                    let failure = self.pipeline.failures.recv();
                    let failure = failure.unwrap_or(LiveError::StagePanicked { thread });
                    return Err(Ending::Failed(failure));
                }
            }
        }
        let (length, counters) = self.ring();
        let Started { mut running, ring, .. } = Started::new(source, length, counters)
            .map_err(|error| Ending::Failed(LiveError::SourceStart(error)))?;
        let PipelineSpec { device, recipe, board, .. } = &self.spec;
        let model = &recipe.model;
        board.set_source(device);
        board.set_model(model, recipe.rules.detector.settings().min_level_dbfs);
        // what a record has in a field of its own, the rate, stands in the words for people only
        let (input, state, detail, in_words) = match (running.state(), self.reopen.clone()) {
            (SourceState::Lost(absence), Some(reopen)) => {
                let reopening = Reopening::new(reopen, self.ring(), Instant::now());
                let awaiting = awaiting(&absence);
                let input = Input { running: None, reopening: Some(reopening) };
                (input, State::Lost, awaiting.clone(), awaiting)
            }
            _ => {
                let detail = format!("{device}, model {model}");
                let in_words =
                    format!("listening to {device} at {}, model {model}", self.sample_rate);
                let input = Input { running: Some(running), reopening: None };
                (input, State::Listening, detail, in_words)
            }
        };
        log::info!("{in_words}");
        systemd::ready(&in_words);
        // before there is a ring, and so before anything else
        self.publish(self.status(state, detail));
        // the channel has room for the first one; a stage that has failed tells so itself
        self.hear(ring);
        Ok(input)
    }

    /// Hands a ring to the feature stage, which comes to it once the one before is drained; says whether it will. Statuses
    /// that its records depend on have been told.
    fn hear(&self, ring: SampleConsumer) -> bool {
        self.pipeline.inputs.try_send(ring).is_ok()
    }

    /// Looks at everything, turn by turn, until something ends it.
    fn listen(&mut self, input: &mut Input) -> Ending {
        let mut health = self.health();
        let mut stalls = Stalls::new(&self.pipeline.sinks);
        let mut watched = Watched::new(&self.pipeline.sinks, self.pulse(input));
        loop {
            if self.is_stopped() {
                return Ending::Stopped;
            }
            self.look_at_reload();
            watched.turn(self.pulse(input), &self.spec);
            if let Ok(end) = self.pipeline.sink_ends.try_recv() {
                return Ending::from_sink(end);
            }
            // where everybody waits, a reader that pauses is no stall
            let stall = match self.spec.overflow {
                Overflow::DropNewest => stalls.poll(Instant::now()),
                Overflow::Block => None,
            };
            if let Some(ending) = self.look_at_source(input, &mut health, stall) {
                return ending;
            }
            if let Ok(failure) = self.pipeline.failures.recv_timeout(TURN) {
                return Ending::Failed(failure);
            }
        }
    }

    fn look_at_source(
        &mut self,
        input: &mut Input,
        health: &mut Health,
        stall: Option<Stall>,
    ) -> Option<Ending> {
        let Some(running) = &mut input.running else {
            self.look_for_source(input);
            return None;
        };
        match running.state() {
            SourceState::Ended => Some(Ending::SourceEnded),
            SourceState::Running => {
                match &input.reopening {
                    None => self.look_at_samples(health, stall),
                    Some(reopening) if self.samples_heard() > reopening.heard_before => {
                        input.reopening = None;
                        *health = self.health();
                        self.tell(State::Listening, "audio arrives again".to_owned());
                    }
                    Some(_) => {}
                }
                None
            }
            SourceState::Lost(source) => {
                let Some(reopen) = self.reopen.clone().filter(|_| !self.is_worn_out()) else {
                    return Some(self.lost(source));
                };
                // closes the ring: what it holds is still heard
                input.running = None;
                if let Some(reopening) = &mut input.reopening {
                    reopening.failed(&source.to_string(), Instant::now());
                } else {
                    self.tell(State::Lost, awaiting(&source));
                    let reopening = Reopening::new(reopen, self.ring(), Instant::now());
                    input.reopening = Some(reopening);
                }
                None
            }
        }
    }

    /// Hears a source again that was lost, if it is back.
    fn look_for_source(&mut self, input: &mut Input) {
        let Some(reopening) = &mut input.reopening else { return };
        let Some(started) = reopening.turn(Instant::now()) else { return };
        let Started { running, ring, sample_rate, description } = started;
        self.sample_rate = sample_rate;
        self.spec.board.set_source(&description);
        reopening.heard_before = self.samples_heard();
        self.tell(State::Recovering, format!("{description} was opened again"));
        if self.hear(ring) {
            input.running = Some(running);
        } else {
            let why = "what was heard before is still being worked off";
            reopening.failed(why, Instant::now());
        }
    }

    /// Whether lost streams hold so much of the process that a fresh one should take over.
    fn is_worn_out(&self) -> bool {
        let left_behind = self.spec.counters.streams_left_behind.get();
        if left_behind >= STREAMS_LEFT_BEHIND {
            log::error!("{left_behind} streams never closed; it takes a fresh process to go on");
        }
        left_behind >= STREAMS_LEFT_BEHIND
    }

    /// Takes a new configuration and model into service, or tells why not.
    fn look_at_reload(&mut self) {
        let Some(reloading) = &mut self.reloading else { return };
        let Some(change) = reloading.turn(self.sample_rate, Instant::now()) else { return };
        let (succeeded, detail) = match change {
            ReloadChange::Began => {
                log::info!("reading the configuration and the model again");
                return systemd::reloading();
            }
            ReloadChange::Done(in_force) => {
                let detail = in_force.to_string();
                log::info!("{detail}");
                let recipe = in_force.recipe;
                let min_level_dbfs = recipe.rules.detector.settings().min_level_dbfs;
                self.spec.board.set_model(&recipe.model, min_level_dbfs);
                self.spec.recipe = recipe;
                (true, detail)
            }
            ReloadChange::Failed(why) => {
                log::error!("not reloaded: {why}");
                (false, format!("not reloaded, everything stays as it was: {why}"))
            }
        };
        systemd::ready(&detail);
        let (time, ago_s) = (Timestamp::now(), 0);
        let status = ReloadStatus { time, ago_s, succeeded, detail: detail.clone() };
        self.spec.board.set_reload(status);
        // the state itself is what it was, and so is the board's word of it
        let state = self.spec.board.state().unwrap_or(State::Listening);
        self.publish(self.status_record(state, detail));
    }

    fn pulse(&self, input: &Input) -> Pulse {
        let reopening = input.reopening.as_ref();
        Pulse {
            heard: self.samples_heard(),
            windows_scored: self.spec.counters.windows_scored.get(),
            window_due_samples: 2 * self.spec.recipe.featuriser.window_samples(self.sample_rate),
            is_reopening: reopening.is_some_and(|reopening| !reopening.hangs(Instant::now())),
        }
    }

    fn samples_heard(&self) -> u64 {
        self.pipeline.level.heard.get()
    }

    /// How much audio a ring holds, and where it counts.
    fn ring(&self) -> (Duration, Arc<Counters>) {
        (self.spec.ring, Arc::clone(&self.spec.counters))
    }

    fn health(&self) -> Health {
        let PipelineSpec { overflow, silent_after, .. } = self.spec;
        Health::new(overflow, silent_after, self.sample_rate, Instant::now(), self.reading())
    }

    fn reading(&self) -> Reading {
        let quiet_for = self.spec.board.quiet_for(Instant::now());
        Reading::take(&self.spec.counters, &self.pipeline.level, quiet_for)
    }

    fn look_at_samples(&self, health: &mut Health, stall: Option<Stall>) {
        if let Some(Change { state, detail }) =
            health.observe(Instant::now(), self.reading(), stall)
        {
            self.tell(state, detail);
        }
    }

    fn lost(&self, source: SourceError) -> Ending {
        Ending::Failed(LiveError::SourceLost { name: self.name.to_string(), source })
    }

    fn is_stopped(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, state: State, detail: String) {
        log::info!("{state}: {detail}");
        systemd::status(&detail);
        self.publish(self.status(state, detail));
    }

    fn publish(&self, status: StatusRecord) {
        self.pipeline.outputs.try_publish(Record::Status(status).into());
    }

    fn status(&self, state: State, detail: String) -> StatusRecord {
        let record = self.status_record(state, detail);
        self.spec.board.told(&record);
        record
    }

    fn status_record(&self, state: State, detail: String) -> StatusRecord {
        StatusRecord {
            time: Timestamp::now(),
            source: Arc::clone(&self.name),
            state,
            detail,
            sample_rate_hz: self.sample_rate,
        }
    }
}

fn awaiting(absence: &SourceError) -> String {
    format!("waiting for it: {absence}")
}

impl Ending {
    /// What a sink's end means for the whole.
    pub(super) fn from_sink(end: SinkEnd) -> Self {
        match end.cause {
            SinkError::Closed => Self::ReaderGone,
            source => Self::Failed(LiveError::Sink { sink: end.sink, source }),
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SourceEnded => f.write_str("the source has ended"),
            Self::Stopped => f.write_str("asked to stop"),
            Self::ReaderGone => f.write_str("nobody reads the output any more"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

fn log_counts(spec: &PipelineSpec) {
    let counters = &spec.counters;
    log::info!(
        "{} samples heard, {} windows scored; {} windows skipped, {} samples dropped, {} repaired, {} window \
         records and {} others dropped, {} missed by slow clients; {} overruns in the driver",
        counters.samples_captured.get(),
        counters.windows_scored.get(),
        counters.windows_skipped.get(),
        counters.samples_dropped.get(),
        counters.samples_repaired.get(),
        counters.records_dropped.get(),
        counters.events_dropped.get(),
        counters.client_records_dropped.get(),
        counters.driver_overruns.get(),
    );
}
