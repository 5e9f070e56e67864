//! What the supervisor waits for. Sent by the stages, the sinks, and the threads that open a device or read a
//! configuration; received by the supervisor.

use super::LiveError;
use super::input::Started;
use super::pipeline_spec::{ActiveModel, PreparedModel};
use crate::sinks::SinkEnd;

/// Something that has happened.
pub(super) enum SupervisorEvent {
    /// The scorer is warm: sources may start.
    ScorerReady,
    /// A stage ended with an error or a panic.
    StageFailed(LiveError),
    /// A sink ended before it was closed.
    SinkEnded(SinkEnd),
    /// An attempt to open a lost source is over; its error is for people.
    InputOpened { input: usize, result: Result<Started, String> },
    /// The reload with this number has read and checked everything, or why not, in words for people.
    ReloadRead { number: u64, result: Result<Box<(PreparedModel, ActiveModel)>, String> },
    /// Every input's windows go to the model of the reload.
    ModelSwapped,
    /// The time for all that has to be polled: whether a stop or a reload was asked for, sources, sinks that stand still.
    Tick,
}

impl From<SinkEnd> for SupervisorEvent {
    fn from(end: SinkEnd) -> Self {
        Self::SinkEnded(end)
    }
}
