//! Why a daemon stops, and its end once the head of the pipeline has been dropped: each stage is waited for in order, in
//! bounded time where somebody waits for the end. Run by the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::LiveError;
use super::event::SupervisorEvent;
use super::pipeline::{CancelGuard, Pipeline, StageThread};
use crate::domain::{Overflow, Record, StatusRecord};
use crate::sinks::{Fanout, SinkEnd, SinkError};

/// How a daemon ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The source came to its end, and all of it was processed.
    SourceEnded,
    /// It was asked to.
    Stopped,
    /// Standard output was closed by its reader.
    OutputClosed,
}

/// Why the daemon stops.
pub(super) enum StopReason {
    SourceEnded,
    Stopped,
    OutputClosed,
    Failed(LiveError),
}

impl StopReason {
    /// Of two reasons the one that is reported: the first failure, else an output that was closed.
    pub(super) fn worse(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Failed(_), _) => self,
            (_, Self::Failed(_)) => other,
            (_, Self::OutputClosed) => other,
            _ => self,
        }
    }
}

impl From<SinkEnd> for StopReason {
    /// What a sink's end means for the whole.
    fn from(end: SinkEnd) -> Self {
        match end.cause {
            SinkError::Closed => Self::OutputClosed,
            source => Self::Failed(LiveError::Sink { sink: end.sink, source }),
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SourceEnded => f.write_str("the source has ended"),
            Self::Stopped => f.write_str("asked to stop"),
            Self::OutputClosed => f.write_str("nobody reads the output any more"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

/// Of the second that an end may take, everything drains as usual for so long; then stages are cancelled, and count what
/// they drop.
const DRAIN: Duration = Duration::from_millis(200);
/// So long the sinks may take to close. A sink that blocks is left behind by then, half a second after the stop.
const SINKS: Duration = Duration::from_millis(300);
/// A stage that has not ended by now hangs in something that cannot be interrupted, the scorer most likely. Long enough
/// that a busy machine is not taken for a hanging one; well below the unit's `TimeoutStopSec`.
const STAGES: Duration = Duration::from_secs(2);

/// Live, at the end of a source, nobody waits, and a slow reader gets its time; one that reads nothing does not.
const SINKS_AT_SOURCE_END: Duration = Duration::from_secs(5);

/// How often the stop flag is polled meanwhile.
const TICK: Duration = Duration::from_millis(10);

/// How long everything may take, once that is bounded.
pub(super) struct Shutdown {
    stop: Arc<AtomicBool>,
    overflow: Overflow,
    /// Since when there is a deadline; none while everything may take the time that it needs.
    began: Option<Instant>,
}

impl Shutdown {
    /// The time begins to run now, unless the source is simply at its end: then all of it is processed first, and only a
    /// stop sets a deadline.
    pub(super) fn new(stop: Arc<AtomicBool>, overflow: Overflow, reason: &StopReason) -> Self {
        let is_patient = matches!(reason, StopReason::SourceEnded);
        Self { stop, overflow, began: (!is_patient).then(Instant::now) }
    }

    /// Waits for the stages, sends the last record of each input, waits for the sinks; says how all of it ended.
    pub(super) fn run(
        mut self,
        pipeline: Pipeline,
        events: &Receiver<SupervisorEvent>,
        last: Vec<StatusRecord>,
        reason: StopReason,
    ) -> Result<Outcome, LiveError> {
        let Pipeline { features, classify, outputs, cancel, .. } = pipeline;
        let mut cancel = Some(cancel);
        let mut hanging = None;
        for stage in features.into_iter().chain([classify]) {
            if let Err(thread) = self.join(stage, &outputs, &mut cancel) {
                hanging = hanging.or(Some(thread));
            }
        }
        outputs.begin_close(last.into_iter().map(|last| Record::Status(last).into()).collect());
        self.wait_for(&outputs);
        outputs.finish();
        let (mut stages, mut sinks) = (Vec::new(), Vec::new());
        for event in events.try_iter() {
            match event {
                SupervisorEvent::StageFailed(error) => stages.push(StopReason::Failed(error)),
                SupervisorEvent::SinkEnded(end) => sinks.push(end.into()),
                // of use only to a daemon that goes on
                SupervisorEvent::ScorerReady
                | SupervisorEvent::InputOpened { .. }
                | SupervisorEvent::ReloadRead { .. }
                | SupervisorEvent::ModelSwapped
                | SupervisorEvent::Tick => {}
            }
        }
        let worst = stages.into_iter().chain(sinks).fold(reason, StopReason::worse);
        match (worst, hanging) {
            (StopReason::Failed(error), _) => Err(error),
            (_, Some(thread)) => Err(LiveError::StageHangs { thread }),
            (StopReason::SourceEnded, None) => Ok(Outcome::SourceEnded),
            (StopReason::Stopped, None) => Ok(Outcome::Stopped),
            (StopReason::OutputClosed, None) => Ok(Outcome::OutputClosed),
        }
    }

    /// Waits until all outputs have ended, or have had their time; a stop makes that shorter.
    fn wait_for(&mut self, outputs: &Fanout) {
        let closing = Instant::now();
        let mut stopping = self.began.map(|_| closing);
        while !outputs.end_within(TICK) {
            if self.began.is_none() && self.is_stopped() {
                (self.began, stopping) = (Some(Instant::now()), Some(Instant::now()));
            }
            let (since, within) = match (stopping, self.overflow) {
                (Some(stopping), _) => (stopping, SINKS),
                (None, Overflow::DropNewest) => (closing, SINKS_AT_SOURCE_END),
                (None, Overflow::Block) => continue,
            };
            if since.elapsed() >= within {
                return;
            }
        }
    }

    /// Joins a stage, or leaves it behind when it has not ended in time; cancels the stages when the time to drain is over.
    fn join(
        &mut self,
        stage: StageThread,
        outputs: &Fanout,
        cancel: &mut Option<CancelGuard>,
    ) -> Result<(), &'static str> {
        while !stage.ends_within(TICK) {
            if self.began.is_none() && self.is_stopped() {
                self.began = Some(Instant::now());
            }
            let Some(began) = self.began else { continue };
            if began.elapsed() >= DRAIN && cancel.take().is_some() {
                outputs.cancel();
            }
            if began.elapsed() >= STAGES {
                return Err(stage.name);
            }
        }
        stage.join();
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.stop.load(Ordering::Relaxed)
    }
}
