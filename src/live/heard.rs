//! What travels between the stages: windows and gaps in the order of audio time, and the moments of their journey.

use std::time::Instant;

use crossbeam_channel::Sender;

use super::reloading::Taken;
use super::window_outlet::WindowInlet;
use crate::domain::{MelWindow, WindowRecord};
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

/// When a window passed from stage to stage.
#[derive(Debug, Clone, Copy)]
pub struct StageTimes {
    /// Its last sample reached this process.
    pub arrival: Instant,
    /// The feature stage sent it.
    pub featured: Instant,
    /// Its scores were there, and its record was published.
    pub scored: Instant,
}

/// Sees every window record just before it is published, on the thread `tympan-classify`.
pub type WindowObserver = Box<dyn FnMut(&WindowRecord, StageTimes) + Send>;
