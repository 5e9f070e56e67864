//! The word that there is no more time: thrown by the supervisor, seen by every stage. A stage that waits for room stops
//! waiting, one that has work left gives it up and counts it.

use std::convert::Infallible;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

/// Dropping it tells every [`Hurry`].
pub(super) struct HurrySwitch {
    _connected: Sender<Infallible>,
}

/// One stage's view of the switch.
#[derive(Clone)]
pub(super) struct Hurry(Receiver<Infallible>);

pub(super) fn hurry() -> (HurrySwitch, Hurry) {
    let (connected, thrown) = bounded(0);
    (HurrySwitch { _connected: connected }, Hurry(thrown))
}

impl Hurry {
    /// Whether the switch has been thrown.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }
}
