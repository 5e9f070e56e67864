//! The end of a pipeline whose head has been dropped: each stage is waited for in order, in bounded time where somebody
//! waits for the end. Run by the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::hurry::HurrySwitch;
use super::stage_thread::StageThread;
use super::supervisor::Ending;
use super::topology::Pipeline;
use super::{LiveError, Outcome};
use crate::domain::{Overflow, Record, StatusRecord};
use crate::sinks::Fanout;

/// Of the second that an end may take, everything drains as usual for so long; then stages give up what they have left
/// and count it.
const DRAIN: Duration = Duration::from_millis(200);
/// So long the sinks may take to close. A sink that blocks is left behind by then, half a second after the stop.
const SINKS: Duration = Duration::from_millis(300);
/// A stage that has not ended by now hangs in something that cannot be interrupted, the scorer most likely. Long enough
/// that a busy machine is not taken for a hanging one; well below the unit's `TimeoutStopSec`.
const STAGES: Duration = Duration::from_secs(2);

/// Live, at the end of a source, nobody waits, and a slow reader gets its time; one that reads nothing does not.
const SINKS_UNHURRIED: Duration = Duration::from_secs(5);

/// How often a stop is looked for meanwhile.
const TURN: Duration = Duration::from_millis(10);

/// How long everything may take, once that is bounded.
pub(super) struct Shutdown {
    stop: Arc<AtomicBool>,
    overflow: Overflow,
    /// When the end was hurried; none while there is all the time of the world.
    began: Option<Instant>,
}

impl Shutdown {
    /// The time begins to run now, unless the source is simply at its end: then all of it is heard first, and only a stop
    /// makes haste.
    pub(super) fn new(stop: Arc<AtomicBool>, overflow: Overflow, ending: &Ending) -> Self {
        let is_patient = matches!(ending, Ending::SourceEnded);
        Self { stop, overflow, began: (!is_patient).then(Instant::now) }
    }

    /// Waits for the stages, sends the last record, waits for the sinks; says how all of it ended.
    pub(super) fn run(
        mut self,
        pipeline: Pipeline,
        last: StatusRecord,
        ending: Ending,
    ) -> Result<Outcome, LiveError> {
        let Pipeline { inputs, features, classify, outputs, hurry, .. } = pipeline;
        // no other ring follows the last one
        drop(inputs);
        let mut hurry = Some(hurry);
        let mut hanging = None;
        for stage in [features, classify] {
            if let Err(thread) = self.join(stage, &outputs, &mut hurry) {
                hanging = hanging.or(Some(thread));
            }
        }
        outputs.begin_close(Record::Status(last).into());
        self.wait_for(&outputs);
        outputs.finish();
        let failure = pipeline.failures.try_recv().ok();
        let sinks = pipeline.sink_ends.try_iter().map(Ending::from_sink);
        let after = failure.map(Ending::Failed).into_iter().chain(sinks);
        let worst = after.fold(ending, Ending::worse);
        match (worst, hanging) {
            (Ending::Failed(error), _) => Err(error),
            (_, Some(thread)) => Err(LiveError::StageHangs { thread }),
            (Ending::SourceEnded, None) => Ok(Outcome::SourceEnded),
            (Ending::Stopped, None) => Ok(Outcome::Stopped),
            (Ending::ReaderGone, None) => Ok(Outcome::ReaderGone),
        }
    }

    /// Waits until all outputs have ended, or have had their time; a stop makes that shorter.
    fn wait_for(&mut self, outputs: &Fanout) {
        let closing = Instant::now();
        let mut stopping = self.began.map(|_| closing);
        while !outputs.end_within(TURN) {
            if self.began.is_none() && self.is_stopped() {
                (self.began, stopping) = (Some(Instant::now()), Some(Instant::now()));
            }
            let (since, within) = match (stopping, self.overflow) {
                (Some(stopping), _) => (stopping, SINKS),
                (None, Overflow::DropNewest) => (closing, SINKS_UNHURRIED),
                (None, Overflow::Block) => continue,
            };
            if since.elapsed() >= within {
                return;
            }
        }
    }

    /// Joins a stage, or leaves it behind when it has not ended in time; throws the switch when the time to drain is over.
    fn join(
        &mut self,
        stage: StageThread,
        outputs: &Fanout,
        hurry: &mut Option<HurrySwitch>,
    ) -> Result<(), &'static str> {
        while !stage.ends_within(TURN) {
            if self.began.is_none() && self.is_stopped() {
                self.began = Some(Instant::now());
            }
            let Some(began) = self.began else { continue };
            if began.elapsed() >= DRAIN && hurry.take().is_some() {
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

impl Ending {
    /// Of two endings the one that is told: the first failure, else a reader that is gone.
    fn worse(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Failed(_), _) => self,
            (_, Self::Failed(_)) => other,
            (_, Self::ReaderGone) => other,
            _ => self,
        }
    }
}
