//! A successor that waits for the end of a window. Owned by the feature stage, on its thread.

use super::reloading::Successor;
use crate::domain::SampleIndex;

/// What is to take over, and the samples that came since: those behind the last window are the first that it hears.
pub(super) struct Takeover {
    pub(super) successor: Successor,
    from: SampleIndex,
    samples: Vec<f32>,
}

impl Takeover {
    /// The next sample is number `from`.
    pub(super) fn new(successor: Successor, from: SampleIndex) -> Self {
        Self { successor, from, samples: Vec::new() }
    }

    /// Keeps what is heard meanwhile: a window and a block at most.
    pub(super) fn keep(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
    }

    /// After a gap no window will hold what came before.
    pub(super) fn pass_over(&mut self, next: SampleIndex) {
        self.samples.clear();
        self.from = next;
    }

    /// Whether a window has ended since; then also what came after it.
    pub(super) fn after(&self, window_end: SampleIndex) -> Option<&[f32]> {
        let behind = usize::try_from(window_end.0.checked_sub(self.from.0)?).ok()?;
        self.samples.get(behind..)
    }
}
