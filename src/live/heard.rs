//! What travels between the stages: windows and gaps in the order of audio time, and the moments of their journey.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::reloading::Taken;
use super::window_outlet::WindowInlet;
use crate::domain::{MelWindow, Record, StatusRecord, WindowRecord};
use crate::recognition::{Gap, Recogniser};

/// From the feature stage to the classify stage.
pub(super) enum Heard {
    /// A window, and when it was sent.
    Window { window: MelWindow, featured: Instant },
    /// Audio is missing between the windows before and after.
    Gap(Gap),
    /// Whatever comes after it is for another recogniser.
    Handover(Box<Handover>),
}

/// What the classify stage goes on with.
pub(super) struct Handover {
    pub(super) recogniser: Box<Recogniser>,
    /// Where its windows come from, if their shape is another one.
    pub(super) inlet: Option<WindowInlet>,
    pub(super) done: Sender<Taken>,
}

/// From the classify stage, and the supervisor, to the emit stage.
pub(super) enum Outgoing {
    /// The record of a window, to be completed with its latency.
    Window { record: WindowRecord, arrival: Instant, featured: Instant, scored: Instant },
    /// An event, a gap or a status.
    Other(Record),
}

/// From the supervisor to the emit stage, when all else is on its way.
pub(super) struct Closing {
    /// The very last record.
    pub(super) last: StatusRecord,
    /// How long the sinks may take to write what they were handed; none: as long as they need.
    pub(super) within: Option<Duration>,
}

/// When a window passed from stage to stage.
#[derive(Debug, Clone, Copy)]
pub struct StageTimes {
    /// Its last sample reached this process.
    pub arrival: Instant,
    /// The feature stage sent it.
    pub featured: Instant,
    /// Its scores were there.
    pub scored: Instant,
    /// Its record was handed over to the sinks.
    pub handed_over: Instant,
}
