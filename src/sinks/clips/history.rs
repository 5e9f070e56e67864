//! The last samples, in memory. Filled from the tap's blocks by the clip folder, on its thread.

use std::collections::VecDeque;

use super::audio_tap::AudioBlock;
use crate::domain::{SampleIndex, SampleRate};

/// Samples without a hole between them, up to the newest.
#[derive(Debug)]
pub(super) struct History {
    start: u64,
    sample_rate: SampleRate,
    samples: VecDeque<f32>,
}

impl History {
    pub(super) fn new(sample_rate: SampleRate) -> Self {
        Self { start: 0, sample_rate, samples: VecDeque::new() }
    }

    /// Adds a block. After a hole, or at another rate, what was before is forgotten.
    pub(super) fn push(&mut self, block: &AudioBlock) {
        if !self.is_continued_by(block) {
            self.samples.clear();
            (self.start, self.sample_rate) = (block.start.0, block.sample_rate);
        }
        self.samples.extend(&block.samples);
    }

    /// Whether the block begins where the samples end.
    pub(super) fn is_continued_by(&self, block: &AudioBlock) -> bool {
        block.start == self.end() && block.sample_rate == self.sample_rate
    }

    /// Forgets all samples but the newest `kept`.
    pub(super) fn keep(&mut self, kept: u64) {
        let surplus = self.samples.len()
            - self.samples.len().min(usize::try_from(kept).unwrap_or(usize::MAX));
        self.samples.drain(..surplus);
        self.start += surplus as u64;
    }

    pub(super) fn start(&self) -> SampleIndex {
        SampleIndex(self.start)
    }

    /// One past the newest.
    pub(super) fn end(&self) -> SampleIndex {
        SampleIndex(self.start + self.samples.len() as u64)
    }

    pub(super) fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// A copy of the samples from `from` to `to`; none unless all of them are here.
    pub(super) fn copy(&self, from: SampleIndex, to: SampleIndex) -> Option<Vec<f32>> {
        let place = |index: SampleIndex| usize::try_from(index.0.checked_sub(self.start)?).ok();
        let (from, to) = (place(from)?, place(to)?);
        (from < to && to <= self.samples.len())
            .then(|| self.samples.range(from..to).copied().collect())
    }
}
