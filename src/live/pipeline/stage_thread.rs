//! A stage's thread: its failure is reported, its end can be waited for, and its work can be cancelled. Started by
//! `topology`, joined at the shutdown.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};

use crate::live::LiveError;
use crate::live::event::SupervisorEvent;

/// Dropping it cancels: every [`CancelToken`] made with it says so from then on.
pub(in crate::live) struct CancelGuard {
    _connected: Sender<Infallible>,
}

/// One stage's view of the guard. A cancelled stage that waits for room stops waiting; one that has work left drops and
/// counts it.
#[derive(Clone)]
pub(in crate::live) struct CancelToken(Receiver<Infallible>);

pub(in crate::live) fn cancellation() -> (CancelGuard, CancelToken) {
    let (connected, token) = bounded(0);
    (CancelGuard { _connected: connected }, CancelToken(token))
}

impl CancelToken {
    /// Whether the guard was dropped.
    pub(in crate::live) fn is_cancelled(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }
}

/// A running stage.
pub(in crate::live) struct StageThread {
    pub(in crate::live) name: &'static str,
    /// Disconnected once the stage has ended.
    done: Receiver<Infallible>,
    thread: JoinHandle<()>,
}

impl StageThread {
    /// Starts `body` on a thread called `name`; an error or a panic of it goes to `events`.
    pub(super) fn spawn(
        name: &'static str,
        events: Sender<SupervisorEvent>,
        body: impl FnOnce() -> Result<(), LiveError> + Send + 'static,
    ) -> Result<Self, LiveError> {
        let (alive, done) = bounded(0);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nothing of a stage is used after its panic: what it owned was dropped on the way out.
                let outcome = catch_unwind(AssertUnwindSafe(body))
                    .unwrap_or(Err(LiveError::StagePanicked { thread: name }));
                if let Err(error) = outcome {
                    // the supervisor may have ended
                    let _ = events.send(SupervisorEvent::StageFailed(error));
                }
                drop(alive);
            })
            .map_err(|source| LiveError::Thread { thread: name, source })?;
        Ok(Self { name, done, thread })
    }

    /// Waits for the end, `patience` at most; whether it came.
    pub(in crate::live) fn ends_within(&self, patience: Duration) -> bool {
        self.done.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }

    /// Joins a stage that has ended.
    pub(in crate::live) fn join(self) {
        // Panics were caught inside.
        let _ = self.thread.join();
    }
}
