//! A stage's thread, watched: how it failed is told, and its end can be waited for. Started by `topology`, waited for by
//! the supervisor.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::LiveError;

/// A running stage.
pub(super) struct StageThread {
    pub(super) name: &'static str,
    /// Disconnected once the stage has ended.
    done: Receiver<Infallible>,
    thread: JoinHandle<()>,
}

impl StageThread {
    /// Starts `body` on a thread called `name`; an error or a panic of it goes to `failures`.
    pub(super) fn spawn(
        name: &'static str,
        failures: Sender<LiveError>,
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
                    // A full channel already holds the first failure, which is the one that is told.
                    let _ = failures.try_send(error);
                }
                drop(alive);
            })
            .map_err(|source| LiveError::Thread { thread: name, source })?;
        Ok(Self { name, done, thread })
    }

    /// Waits for the end, `patience` at most; whether it came.
    pub(super) fn ends_within(&self, patience: Duration) -> bool {
        self.done.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }

    /// Joins a stage that has ended.
    pub(super) fn join(self) {
        // Panics were caught inside.
        let _ = self.thread.join();
    }
}
