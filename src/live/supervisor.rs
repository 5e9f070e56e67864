//! Watches a running pipeline and ends it in order. Waits on one channel, for events of the stages, the sinks, and the
//! threads that open devices or read configurations, and for the tick at which it polls the rest; publishes statuses; runs
//! on the thread that called [`super::Daemon::run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use jiff::{SignedDuration, Timestamp};

use super::event::SupervisorEvent;
use super::health::{
    InputConditions, LevelMeter, Progress, ServiceNotifier, SinkStall, SinkStalls, StateChange,
    WallClock, systemd,
};
use super::input::{Input, InputChange, Started};
use super::pipeline::Pipeline;
use super::reloading::{ReloadChange, Reloading};
use super::shutdown::Shutdown;
use super::shutdown::StopReason;
use super::{LiveError, Outcome, PipelineSpec};
use crate::domain::{
    Counter, InputCounters, LiveRecord, OutputCounters, Overflow, Record, State, StatusRecord,
};
use crate::protocol::ReloadStatus;
use crate::sources::{Source, SourceError, SourceState};

/// From one poll to the next of what sends no event: the flags that ask for a stop or a reload, which signal handlers set,
/// the sources, and the counters. A stop or a lost device is noticed this late at most.
const TICK: Duration = Duration::from_millis(50);

/// Holds the pipeline from its start to its end.
pub(super) struct Supervisor {
    pub(super) inputs: Vec<Input>,
    pub(super) reloading: Option<Reloading>,
    pub(super) spec: PipelineSpec,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) pipeline: Pipeline,
    pub(super) events: Receiver<SupervisorEvent>,
}

/// What the supervisor remembers from tick to tick.
struct Monitors {
    /// `[inputs]`
    levels: Vec<LevelMeter>,
    stalls: SinkStalls,
    notifier: ServiceNotifier,
    clock: WallClock,
    /// Of several inputs the first that failed: what the daemon ends with, once no other goes on.
    first_failure: Option<LiveError>,
}

impl Supervisor {
    /// Runs these sources, one an input, until the end.
    pub(super) fn run(mut self, sources: Vec<Box<dyn Source>>) -> Result<Outcome, LiveError> {
        let reason = match self.start(sources) {
            Ok(()) => self.supervise(),
            Err(reason) => reason,
        };
        let detail = reason.to_string();
        log::debug!("{detail}");
        systemd::stopping(&detail);
        let stopping = |input| self.set_state(input, State::Stopping, detail.clone());
        let last = self.inputs.iter().map(stopping).collect();
        let counters: Vec<_> = self.inputs.iter().map(|it| Arc::clone(&it.counters)).collect();
        let shutdown = Shutdown::new(self.stop, self.spec.overflow, &reason);
        // The head of the pipeline: the rings are closed, no others follow, and everything behind them drains.
        self.inputs.iter_mut().for_each(Input::begin_stop);
        drop(self.inputs);
        let outcome = shutdown.run(self.pipeline, &self.events, last, reason);
        log_counts(&counters, &self.spec.counters);
        outcome
    }

    /// Waits for the scorer to be warm, then starts the sources, and reports it.
    fn start(&mut self, sources: Vec<Box<dyn Source>>) -> Result<(), StopReason> {
        let mut next_tick = Instant::now() + TICK;
        loop {
            match self.next_event(next_tick) {
                SupervisorEvent::ScorerReady => break,
                SupervisorEvent::StageFailed(error) => return Err(StopReason::Failed(error)),
                SupervisorEvent::SinkEnded(end) => return Err(end.into()),
                SupervisorEvent::Tick if self.is_stopped() => return Err(StopReason::Stopped),
                SupervisorEvent::Tick => next_tick = Instant::now() + TICK,
                SupervisorEvent::InputOpened { .. }
                | SupervisorEvent::ReloadRead { .. }
                | SupervisorEvent::ModelSwapped => {}
            }
        }
        let mut in_words = Vec::with_capacity(sources.len());
        for (index, source) in sources.into_iter().enumerate() {
            in_words.push(self.start_input(index, source)?);
        }
        match &in_words[..] {
            [only] => systemd::ready(only),
            several => {
                let model = &self.spec.recipe.model;
                systemd::ready(&format!("{} inputs, model {model}", several.len()));
            }
        }
        Ok(())
    }

    /// Gives what it is now, in words.
    fn start_input(&mut self, index: usize, source: Box<dyn Source>) -> Result<String, StopReason> {
        let counters = Arc::clone(&self.inputs[index].counters);
        let ring = self.inputs[index].ring;
        let Started { mut running, ring, .. } = Started::new(source, ring, counters)
            .map_err(|error| StopReason::Failed(LiveError::SourceStart(error)))?;
        let now = Instant::now();
        let conditions = self.conditions(index, None, now);
        let PipelineSpec { recipe, status, .. } = &self.spec;
        let input = &mut self.inputs[index];
        let (model, device) = (&recipe.model, &input.description);
        status.set_source(index, device);
        status.set_model(model, recipe.rules.detector.settings().min_level_dbfs);
        // what a record has in a field of its own, the rate, stands in the words for people only
        // a source that has delivered was there: it is listened to first, and its loss is reported after that
        let has_delivered = ring.waiting_samples() > 0;
        // a loss is reported once, and one that nothing mends is for `poll` to see
        let first = match input.reopen {
            Some(_) => running.state(),
            None => SourceState::Running,
        };
        let (state, detail, in_words) = match first {
            SourceState::Lost(absence) if !has_delivered => {
                input.state = Input::lost(now);
                let waiting = waiting_for(&absence);
                (State::Lost, waiting.clone(), waiting)
            }
            _ => {
                let detail = format!("{device}, model {model}");
                let rate = input.sample_rate;
                let in_words = format!("listening to {device} at {rate}, model {model}");
                input.run(running, now, &conditions);
                (State::Listening, detail, in_words)
            }
        };
        log::info!("{}{in_words}", self.prefix(index));
        // before there is a ring, and so before anything else
        let input = &self.inputs[index];
        self.publish(self.set_state(input, state, detail));
        // the channel has room for the first one; a stage that has failed sends its own event
        input.attach_ring(ring);
        Ok(in_words)
    }

    /// Handles event after event, until one of them ends the daemon.
    fn supervise(&mut self) -> StopReason {
        let mut now = Instant::now();
        let mut monitors = Monitors {
            levels: self.inputs.iter().map(|_| LevelMeter::default()).collect(),
            stalls: SinkStalls::new(&self.pipeline.sinks),
            notifier: ServiceNotifier::new(self.inputs.len(), &self.pipeline.sinks, now),
            clock: WallClock::new(Timestamp::now(), now),
            first_failure: None,
        };
        let mut next_tick = now;
        loop {
            let event = self.next_event(next_tick);
            now = Instant::now();
            if matches!(event, SupervisorEvent::Tick) {
                next_tick = now + TICK;
            }
            if let Some(reason) = self.handle(event, &mut monitors, now) {
                return reason;
            }
        }
    }

    /// Waits for an event, until the next tick at most.
    fn next_event(&self, next_tick: Instant) -> SupervisorEvent {
        self.events.recv_deadline(next_tick).unwrap_or(SupervisorEvent::Tick)
    }

    fn handle(
        &mut self,
        event: SupervisorEvent,
        monitors: &mut Monitors,
        now: Instant,
    ) -> Option<StopReason> {
        match event {
            SupervisorEvent::StageFailed(error) => return Some(StopReason::Failed(error)),
            SupervisorEvent::SinkEnded(end) => return Some(end.into()),
            SupervisorEvent::InputOpened { input, result } => self.input_opened(input, result, now),
            SupervisorEvent::ReloadRead { number, result } => {
                let reloading = self.reloading.as_mut()?;
                let change = reloading.read(number, result, &self.pipeline.reload);
                self.report_reload(change);
            }
            SupervisorEvent::ModelSwapped => {
                let change = self.reloading.as_mut().and_then(Reloading::swapped);
                self.report_reload(change);
            }
            SupervisorEvent::Tick => return self.tick(monitors, now),
            SupervisorEvent::ScorerReady => {}
        }
        None
    }

    /// Polls all that sends no event.
    fn tick(&mut self, monitors: &mut Monitors, now: Instant) -> Option<StopReason> {
        if self.is_stopped() {
            return Some(StopReason::Stopped);
        }
        if let Some(reloading) = &mut self.reloading {
            let rates: Vec<_> = self.inputs.iter().map(|input| input.sample_rate).collect();
            let change = reloading.poll(&rates, now);
            self.report_reload(change);
        }
        if let Some(change) = monitors.clock.poll(Timestamp::now(), now) {
            self.report_clock(change);
        }
        monitors.notifier.poll(now, &self.progress(now), &self.spec.status);
        self.publish_levels(&mut monitors.levels, now);
        // where everybody waits, a reader that pauses is no stall
        let stall = match self.spec.overflow {
            Overflow::DropNewest => monitors.stalls.poll(now),
            Overflow::Block => None,
        };
        let mut ended = 0;
        for index in 0..self.inputs.len() {
            let conditions = self.conditions(index, stall.clone(), now);
            match self.inputs[index].poll(now, &conditions) {
                Some(InputChange::Ended) => {
                    ended += 1;
                    self.spec.status.set_ended(index);
                }
                Some(InputChange::Failed(source)) => {
                    let error = self.input_failed(index, source);
                    if self.inputs.len() == 1 {
                        return Some(StopReason::Failed(error));
                    }
                    monitors.first_failure.get_or_insert(error);
                }
                Some(InputChange::Exhausted(source)) => {
                    return Some(StopReason::Failed(self.input_failed(index, source)));
                }
                Some(InputChange::Lost(error)) => {
                    self.publish_status(index, State::Lost, waiting_for(&error));
                }
                Some(InputChange::Recovered) => {
                    self.publish_status(index, State::Listening, "audio arrives again".to_owned());
                }
                Some(InputChange::Health(StateChange { state, detail })) => {
                    self.publish_status(index, state, detail);
                }
                None => {}
            }
        }
        (ended == self.inputs.len()).then(|| match monitors.first_failure.take() {
            Some(error) => StopReason::Failed(error),
            None => StopReason::SourceEnded,
        })
    }

    fn input_failed(&self, index: usize, source: SourceError) -> LiveError {
        self.publish_status(index, State::Lost, source.to_string());
        LiveError::SourceLost { name: self.inputs[index].name.to_string(), source }
    }

    /// Level records, while somebody asks for them.
    fn publish_levels(&self, meters: &mut [LevelMeter], now: Instant) {
        let outputs = &self.pipeline.outputs;
        let is_wanted = outputs.live_demand().levels;
        for (input, meter) in self.inputs.iter().zip(meters) {
            if !is_wanted {
                meter.reset(&input.level);
            } else if let Some(record) = meter.poll(&input.level, &input.name, now) {
                outputs.publish_live(&LiveRecord::Level(record));
            }
        }
    }

    /// Goes on with a source that was lost, if it was opened again.
    fn input_opened(&mut self, index: usize, result: Result<Started, String>, now: Instant) {
        let Some(started) = self.inputs[index].opened(result, now) else { return };
        let description = &started.description;
        self.spec.status.set_source(index, description);
        self.publish_status(index, State::Recovering, format!("{description} was opened again"));
        self.inputs[index].attach(started, now);
    }

    /// Reports what has come of a reload, and goes on with the model that is now in use.
    fn report_reload(&mut self, change: Option<ReloadChange>) {
        let Some(change) = change else { return };
        let (succeeded, detail) = match change {
            ReloadChange::Began => {
                log::info!("reading the configuration and the model again");
                return systemd::reloading();
            }
            ReloadChange::Done(active) => {
                let detail = active.to_string();
                log::info!("{detail}");
                let recipe = active.recipe;
                let min_level_dbfs = recipe.rules.detector.settings().min_level_dbfs;
                self.spec.status.set_model(&recipe.model, min_level_dbfs);
                let labels = recipe.rules.detector.labels();
                self.pipeline.outputs.model_changed(&recipe.model, labels);
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
        let (succeeded_so_far, failed_so_far) = (0, 0);
        let reload = ReloadStatus {
            time,
            ago_s,
            succeeded,
            succeeded_so_far,
            failed_so_far,
            detail: detail.clone(),
        };
        self.spec.status.set_reload(reload);
        self.publish_unchanged(&detail);
    }

    /// Reports that the wall clock was set: times of records before and after that do not fit each other.
    fn report_clock(&self, change: SignedDuration) {
        let way = if change.is_negative() { "back" } else { "forward" };
        let seconds = change.unsigned_abs().as_secs_f64();
        let detail = format!(
            "the wall clock was set {way} by {seconds:.1} s; sample indices go on, times of records before and after do not \
             fit each other"
        );
        log::warn!("{detail}");
        self.publish_unchanged(&detail);
    }

    /// Publishes a detail with the state of each input, which is what it was.
    fn publish_unchanged(&self, detail: &str) {
        for input in &self.inputs {
            let state = self.spec.status.state(input.index).unwrap_or(State::Listening);
            self.publish(status_record(input, state, detail.to_owned()));
        }
    }

    /// What moves while the daemon is well, of each input that should get audio.
    fn progress(&self, now: Instant) -> Vec<Option<Progress>> {
        let featuriser = &self.spec.recipe.featuriser;
        let progress =
            |input: &Input| input.progress(featuriser.window_samples(input.sample_rate), now);
        self.inputs.iter().map(progress).collect()
    }

    /// What one input is judged by beside its own samples and counts.
    fn conditions(&self, index: usize, stall: Option<SinkStall>, now: Instant) -> InputConditions {
        let left_behind = |input: &Input| input.counters.streams_left_behind.get();
        InputConditions {
            quiet_for: self.spec.status.quiet_for(index, now),
            stall,
            events_dropped: self.spec.counters.events_dropped.get(),
            streams_left_behind: self.inputs.iter().map(left_behind).sum(),
        }
    }

    fn is_stopped(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.stop.load(Ordering::Relaxed)
    }

    fn publish_status(&self, index: usize, state: State, detail: String) {
        let prefix = self.prefix(index);
        log::info!("{prefix}{state}: {detail}");
        systemd::status(&format!("{prefix}{detail}"));
        self.publish(self.set_state(&self.inputs[index], state, detail));
    }

    /// Which input is spoken of, where there are several.
    fn prefix(&self, index: usize) -> String {
        match self.inputs.len() {
            1 => String::new(),
            _ => format!("{}: ", self.inputs[index].name),
        }
    }

    fn publish(&self, status: StatusRecord) {
        self.pipeline.outputs.try_publish(Record::Status(status).into());
    }

    fn set_state(&self, input: &Input, state: State, detail: String) -> StatusRecord {
        let record = status_record(input, state, detail);
        self.spec.status.set_state(input.index, &record);
        record
    }
}

fn status_record(input: &Input, state: State, detail: String) -> StatusRecord {
    StatusRecord {
        time: Timestamp::now(),
        source: Arc::clone(&input.name),
        state,
        detail,
        sample_rate_hz: input.sample_rate,
    }
}

fn waiting_for(absence: &SourceError) -> String {
    format!("waiting for it: {absence}")
}

fn log_counts(inputs: &[Arc<InputCounters>], outputs: &OutputCounters) {
    let sum = |counter: fn(&InputCounters) -> &Counter| -> u64 {
        inputs.iter().map(|input| counter(input).get()).sum()
    };
    let losses = [
        (sum(|input| &input.windows_skipped), "windows were skipped"),
        (sum(|input| &input.samples_dropped), "samples were dropped"),
        (outputs.records_dropped.get(), "window records were dropped"),
        (outputs.events_dropped.get(), "other records were dropped"),
        (outputs.client_records_dropped.get(), "records were missed by slow clients"),
        (sum(|input| &input.driver_overruns), "overruns happened in the driver"),
        (sum(|input| &input.samples_repaired), "samples were no numbers and counted as zero"),
    ];
    let lost: Vec<String> = losses
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let lost = if lost.is_empty() { "nothing was lost".to_owned() } else { lost.join(", ") };
    let windows = sum(|input| &input.windows_scored);
    log::info!("{windows} windows scored; {lost}");
    log::debug!("{} samples captured", sum(|input| &input.samples_captured));
}
