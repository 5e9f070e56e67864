//! From the feature stage of an input to the classify stage: windows and gaps in the order of audio time, through a channel
//! of four, in buffers that go round. Each input has its own, so that one that delivers too much costs no other a window.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::domain::{InputCounters, MelWindow, Overflow, WindowRecord};
use crate::features::ReadyWindow;
use crate::recognition::Gap;

/// Windows that may wait for the classifier. A window that waits is late; more of them would only be later.
pub(super) const WINDOWS_WAITING: usize = 4;

/// Those that wait and one that is being scored: while there is room in the channel, there is a spare buffer.
const BUFFERS: usize = WINDOWS_WAITING + 1;

/// What the classify stage receives of one input.
pub(super) enum StreamItem {
    /// A window, and when it was sent.
    Window { window: MelWindow, featured: Instant },
    /// Audio is missing between the windows before and after.
    Gap(Gap),
    /// Whatever follows is for the model of a reload, and comes through this inlet, if the shape of its windows is another.
    ModelSwap(Option<WindowInlet>),
}

/// When a window passed from stage to stage.
#[derive(Debug, Clone, Copy)]
pub struct StageTimes {
    /// Its last sample reached this process.
    pub arrival: Instant,
    /// The feature stage sent it.
    pub featured: Instant,
    /// The classify stage took it.
    pub taken: Instant,
    /// The network had scored it, and those that it was scored with.
    pub inferred: Instant,
    /// Its scores were there, and its record was published.
    pub scored: Instant,
}

/// Sees every window record just before it is published, on the thread `tympan-classify`.
pub type WindowObserver = Box<dyn FnMut(&WindowRecord, StageTimes) + Send>;

/// Wakes the classify stage, whichever input something has come of: to wait for hundreds of channels at once costs more than to
/// look into each of them. It rings when it is dropped as well.
#[derive(Clone)]
pub(super) struct Bell(Sender<()>);

impl Bell {
    /// The bell, and what the classify stage waits for.
    pub(super) fn new() -> (Self, Receiver<()>) {
        let (bell, rings) = bounded(1);
        (Self(bell), rings)
    }

    fn ring(&self) {
        // one that waits to be heard is enough
        let _ = self.0.try_send(());
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// The feature stage's end of the two channels. Fields are dropped in order: when the bell rings, the channel is closed.
pub(super) struct WindowOutlet {
    items: Sender<StreamItem>,
    bell: Bell,
    spare: Receiver<MelWindow>,
    overflow: Overflow,
    counters: Arc<InputCounters>,
    windows: u64,
    is_closed: bool,
}

/// The classify stage's end: what comes, and where spent buffers go.
pub(super) struct WindowInlet {
    pub(super) items: Receiver<StreamItem>,
    pub(super) spent: Sender<MelWindow>,
}

/// Makes both ends, and all the buffers there will be, like `empty`.
pub(super) fn window_channel(
    empty: &MelWindow,
    overflow: Overflow,
    counters: Arc<InputCounters>,
    bell: Bell,
) -> (WindowOutlet, WindowInlet) {
    let (sender, inlet) = bounded(WINDOWS_WAITING);
    let (spent, spare) = bounded(BUFFERS);
    for _ in 0..BUFFERS {
        spent.try_send(empty.clone()).expect("invariant: the channel holds all buffers");
    }
    let (items, windows, is_closed) = (sender, 0, false);
    let outlet = WindowOutlet { items, bell, spare, overflow, counters, windows, is_closed };
    (outlet, WindowInlet { items: inlet, spent })
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
            Overflow::DropNewest if self.items.is_full() => None,
            Overflow::DropNewest => self.spare.try_recv().ok(),
        };
        let Some(mut window) = buffer else {
            self.counters.windows_skipped.add(1);
            return;
        };
        ready.copy_into(&mut window);
        self.send(StreamItem::Window { window, featured: Instant::now() });
    }

    /// Sends a gap, in its place between the windows; waits for room even live. Meanwhile the ring takes the audio, and
    /// what that cannot hold becomes a gap too: every loss is reported.
    pub(super) fn send_gap(&mut self, gap: Gap) {
        self.send(StreamItem::Gap(gap));
    }

    /// Announces to the classify stage, between the windows, that the model of a reload follows; waits for room even live. With
    /// `empty`, this outlet becomes one for windows of that shape.
    pub(super) fn swap_model(&mut self, empty: Option<&MelWindow>) {
        let Some(empty) = empty else { return self.send(StreamItem::ModelSwap(None)) };
        let (counters, bell) = (Arc::clone(&self.counters), self.bell.clone());
        let (outlet, inlet) = window_channel(empty, self.overflow, counters, bell);
        self.send(StreamItem::ModelSwap(Some(inlet)));
        *self = WindowOutlet { windows: self.windows, is_closed: self.is_closed, ..outlet };
    }

    /// Windows that were complete, skipped or not.
    pub(super) fn windows(&self) -> u64 {
        self.windows
    }

    /// Whether the classify stage has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn send(&mut self, item: StreamItem) {
        self.is_closed |= self.items.send(item).is_err();
        self.bell.ring();
    }
}
