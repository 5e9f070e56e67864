//! Where windows leave the feature stage: into buffers that go round, through a channel of four. Owned by the feature
//! stage, on its thread.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::heard::{Handover, Heard};
use crate::domain::Overflow;
use crate::domain::{Counters, MelWindow};
use crate::features::ReadyWindow;
use crate::recognition::Gap;

/// Windows that may wait for the classifier. A window that waits is late; more of them would only be later.
pub(super) const WINDOWS_WAITING: usize = 4;

/// Those that wait and as many that are being scored: while there is room in the channel, there is a spare buffer.
const BUFFERS: usize = 2 * WINDOWS_WAITING;

/// The feature stage's end of the two channels.
pub(super) struct WindowOutlet {
    heard: Sender<Heard>,
    spare: Receiver<MelWindow>,
    overflow: Overflow,
    counters: Arc<Counters>,
    windows: u64,
    is_closed: bool,
}

/// The classify stage's end: what was heard, and where spent buffers go.
pub(super) struct WindowInlet {
    pub(super) heard: Receiver<Heard>,
    pub(super) spent: Sender<MelWindow>,
}

/// Makes both ends, and all the buffers there will be, like `empty`.
pub(super) fn window_channel(
    empty: &MelWindow,
    overflow: Overflow,
    counters: Arc<Counters>,
) -> (WindowOutlet, WindowInlet) {
    let (sender, heard) = bounded(WINDOWS_WAITING);
    let (spent, spare) = bounded(BUFFERS);
    for _ in 0..BUFFERS {
        spent.try_send(empty.clone()).expect("invariant: the channel holds all buffers");
    }
    let outlet =
        WindowOutlet { heard: sender, spare, overflow, counters, windows: 0, is_closed: false };
    (outlet, WindowInlet { heard, spent })
}

impl WindowOutlet {
    /// Sends a copy of the window. Without room it is skipped and counted (which changes no other window's scores), or
    /// waited for.
    ///
    /// # Real time
    /// Does not allocate.
    pub(super) fn offer(&mut self, mut ready: ReadyWindow<'_>) {
        self.windows += 1;
        let buffer = match self.overflow {
            Overflow::Block => self.spare.recv().ok(),
            // Only this stage fills the channel: room that is there now is there below.
            Overflow::DropNewest if self.heard.is_full() => None,
            Overflow::DropNewest => self.spare.try_recv().ok(),
        };
        let Some(mut window) = buffer else {
            self.counters.windows_skipped.add(1);
            return;
        };
        ready.copy_into(&mut window);
        self.send(Heard::Window { window, featured: Instant::now() });
    }

    /// Sends a gap, in its place between the windows; waits for room even live. Meanwhile the ring takes the audio, and
    /// what that cannot hold becomes a gap too: none is lost, and none goes untold.
    pub(super) fn tell(&mut self, gap: Gap) {
        self.send(Heard::Gap(gap));
    }

    /// Takes the place of an outlet for windows of another shape, which is closed once the classify stage has been sent
    /// the other end.
    pub(super) fn renewed(&self, empty: &MelWindow) -> (Self, WindowInlet) {
        let (outlet, inlet) = window_channel(empty, self.overflow, Arc::clone(&self.counters));
        (Self { windows: self.windows, ..outlet }, inlet)
    }

    /// Sends word that another recogniser takes over, in its place between the windows; waits for room even live.
    pub(super) fn hand_over(&mut self, handover: Handover) {
        self.send(Heard::Handover(Box::new(handover)));
    }

    /// Windows that were complete, skipped or not.
    pub(super) fn windows(&self) -> u64 {
        self.windows
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn send(&mut self, heard: Heard) {
        self.is_closed |= self.heard.send(heard).is_err();
    }
}
