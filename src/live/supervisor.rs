//! Watches a running pipeline and ends it in order. Fed by the source's state, the stages' failures, the sinks' ends and
//! the stop flag; feeds the emit stage statuses; runs on the thread that called [`super::Daemon::run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use jiff::Timestamp;

use super::health::{Change, Health, Reading};
use super::heard::Outgoing;
use super::pipeline_spec::PipelineSpec;
use super::shutdown::Shutdown;
use super::topology::Pipeline;
use super::{LiveError, Outcome, systemd};
use crate::domain::{Record, SampleRate, State, StatusRecord};
use crate::sinks::{SinkEnd, SinkError, WhenFull};
use crate::sources::{RunningSource, SampleProducer, Source, SourceError, SourceState};

/// From one look at everything to the next: a stop or a lost device is noticed this late at most.
const TURN: Duration = Duration::from_millis(50);

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
    pub(super) sample_rate: SampleRate,
    pub(super) spec: PipelineSpec,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) pipeline: Pipeline,
}

impl Supervisor {
    /// Runs `source` into `producer` until the end.
    pub(super) fn run(
        self,
        source: Box<dyn Source>,
        producer: SampleProducer,
    ) -> Result<Outcome, LiveError> {
        let (ending, running) = match self.start(source, producer) {
            Ok(mut running) => (self.listen(&mut *running), Some(running)),
            Err(ending) => (ending, None),
        };
        let detail = ending.to_string();
        log::debug!("{detail}");
        systemd::stopping(&detail);
        if let Ending::Failed(LiveError::SourceLost { source, .. }) = &ending {
            self.tell(State::Lost, source.to_string());
        }
        let last = self.status(State::Stopping, detail);
        let shutdown = Shutdown::new(self.stop, self.spec.when_full, &ending);
        // The head of the pipeline: the ring is closed, and everything behind it drains.
        drop(running);
        let outcome = shutdown.run(self.pipeline, last, ending);
        log_counts(&self.spec);
        outcome
    }

    /// Waits for the scorer to be warm, then starts the source. On the way out of here the ring is closed.
    fn start(
        &self,
        source: Box<dyn Source>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, Ending> {
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
        let running = source
            .start(producer)
            .map_err(|error| Ending::Failed(LiveError::SourceStart(error)))?;
        let PipelineSpec { device, model, .. } = &self.spec;
        let listening = format!("listening to {device} at {}, model {model}", self.sample_rate);
        log::info!("{listening}");
        systemd::ready(&listening);
        // the record has the rate in a field of its own
        let detail = format!("{device}, model {model}");
        // The channel has room for the one message that it ever gets.
        let _ = self.pipeline.opening.try_send(self.status(State::Listening, detail));
        Ok(running)
    }

    /// Looks at everything, turn by turn, until something ends it.
    fn listen(&self, running: &mut dyn RunningSource) -> Ending {
        let reading = || Reading::take(&self.spec.counters, &self.pipeline.level);
        let mut health =
            Health::new(self.spec.silent_after, self.sample_rate, Instant::now(), reading());
        loop {
            if self.is_stopped() {
                return Ending::Stopped;
            }
            if let Ok(end) = self.pipeline.sink_ends.try_recv() {
                return Ending::from_sink(end);
            }
            match running.state() {
                SourceState::Running => {}
                SourceState::Ended => return Ending::SourceEnded,
                SourceState::Lost(source) => return self.lost(source),
            }
            // Offline nothing is dropped, and a recording's silences are its own.
            if self.spec.when_full == WhenFull::DropAndCount
                && let Some(Change { state, detail }) = health.observe(Instant::now(), reading())
            {
                systemd::status(&detail);
                self.tell(state, detail);
            }
            if let Ok(failure) = self.pipeline.failures.recv_timeout(TURN) {
                return Ending::Failed(failure);
            }
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
        log::info!("{state:?}: {detail}");
        self.pipeline.records.send_now(Outgoing::Other(Record::Status(self.status(state, detail))));
    }

    fn status(&self, state: State, detail: String) -> StatusRecord {
        StatusRecord {
            time: Timestamp::now(),
            source: Arc::clone(&self.name),
            state,
            detail,
            sample_rate_hz: self.sample_rate,
        }
    }
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
