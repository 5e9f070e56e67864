//! The end of a pipeline whose head has been dropped: each stage is waited for in order, in bounded time where somebody
//! waits for the end. Run by the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::heard::Closing;
use super::hurry::HurrySwitch;
use super::stage_thread::StageThread;
use super::supervisor::Ending;
use super::topology::Pipeline;
use super::{LiveError, Outcome};
use crate::domain::StatusRecord;
use crate::sinks::WhenFull;

/// Of the second that an end may take, everything drains as usual for so long; then stages give up what they have left
/// and count it.
const DRAIN: Duration = Duration::from_millis(200);
/// So long the sinks may take to close. A sink that blocks is left behind by then, half a second after the stop.
const SINKS: Duration = Duration::from_millis(300);
/// A stage that has not ended by now hangs in something that cannot be interrupted, the scorer most likely. Long enough
/// that a busy machine is not taken for a hanging one; together well below the unit's `TimeoutStopSec`.
const STAGES: Duration = Duration::from_secs(2);
const ALL: Duration = Duration::from_secs(3);

/// Live, at the end of a source, nobody waits, and a slow reader gets its time; one that reads nothing does not.
const SINKS_UNHURRIED: Duration = Duration::from_secs(5);

/// How often a stop is looked for meanwhile.
const TURN: Duration = Duration::from_millis(10);

/// How long everything may take, once that is bounded.
pub(super) struct Shutdown {
    stop: Arc<AtomicBool>,
    when_full: WhenFull,
    /// When the end was hurried; none while there is all the time of the world.
    began: Option<Instant>,
}

impl Shutdown {
    /// The time begins to run now, unless the source is simply at its end: then all of it is heard first, and only a stop
    /// makes haste.
    pub(super) fn new(stop: Arc<AtomicBool>, when_full: WhenFull, ending: &Ending) -> Self {
        let is_patient = matches!(ending, Ending::SourceEnded);
        Self { stop, when_full, began: (!is_patient).then(Instant::now) }
    }

    /// Waits for the stages, sends the last record, waits for the sinks; says how all of it ended.
    pub(super) fn run(
        mut self,
        pipeline: Pipeline,
        last: StatusRecord,
        ending: Ending,
    ) -> Result<Outcome, LiveError> {
        let Pipeline { inputs, features, classify, emit, opening, closing, records, hurry, .. } =
            pipeline;
        // no other ring follows the last one
        drop(inputs);
        // Nothing was opened if the source never started; then the emit stage still waits for this.
        drop(opening);
        let mut hurry = Some(hurry);
        let mut hanging = None;
        for stage in [features, classify] {
            if let Err(thread) = self.join(stage, STAGES, &mut hurry) {
                hanging = hanging.or(Some(thread));
            }
        }
        drop(records);
        // The channel has room for the one message that it ever gets.
        let _ = closing.try_send(Closing { last, within: self.sinks_close_within() });
        if let Err(thread) = self.join(emit, ALL, &mut hurry) {
            // A stopped daemon may leave a blocked sink behind; that is told, and is no failure.
            log::warn!("{thread} was left behind: a sink takes nothing");
        }
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

    fn sinks_close_within(&self) -> Option<Duration> {
        match (self.began, self.when_full) {
            (Some(_), _) => Some(SINKS),
            (None, WhenFull::DropAndCount) => Some(SINKS_UNHURRIED),
            (None, WhenFull::Wait) => None,
        }
    }

    /// Joins a stage, or leaves it behind when it has not ended `within` the time; throws the switch when the time
    /// to drain is over.
    fn join(
        &mut self,
        stage: StageThread,
        within: Duration,
        hurry: &mut Option<HurrySwitch>,
    ) -> Result<(), &'static str> {
        while !stage.ends_within(TURN) {
            // Relaxed: the flag guards no other memory.
            if self.began.is_none() && self.stop.load(Ordering::Relaxed) {
                self.began = Some(Instant::now());
            }
            let Some(began) = self.began else { continue };
            if began.elapsed() >= DRAIN {
                hurry.take();
            }
            if began.elapsed() >= within {
                return Err(stage.name);
            }
        }
        stage.join();
        Ok(())
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
