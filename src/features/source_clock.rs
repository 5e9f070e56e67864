//! Where a window stands in its source, and when its last sample came. Kept by the featuriser beside the samples.

use std::collections::VecDeque;
use std::time::Instant;

use jiff::Timestamp;

use crate::domain::{SampleIndex, SampleRate};

/// When a block's last sample reached this process, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// On the monotonic clock.
    pub instant: Instant,
    /// On the wall clock.
    pub time: Timestamp,
}

impl Arrival {
    /// Now, on both clocks.
    pub fn now() -> Self {
        Self { instant: Instant::now(), time: Timestamp::now() }
    }

    /// `instant`, with the wall clock's reading of that moment.
    pub fn at(instant: Instant) -> Self {
        let ago = instant.elapsed();
        Self { instant, time: Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH) }
    }
}

/// Blocks remembered: those that the resampler and the STFT may still be holding samples of. When callers push single
/// samples there are more; then the oldest is forgotten and a window's arrival is a little late.
const BLOCKS_KEPT: usize = 256;

/// Maps the model's samples of the current segment to the source's, and those to their arrival.
pub struct SourceClock {
    source_rate: SampleRate,
    model_rate: SampleRate,
    segment_start: SampleIndex,
    end: SampleIndex,
    blocks: VecDeque<(SampleIndex, Arrival)>,
}

impl SourceClock {
    /// Starts at sample 0.
    pub fn new(source_rate: SampleRate, model_rate: SampleRate) -> Self {
        Self {
            source_rate,
            model_rate,
            segment_start: SampleIndex(0),
            end: SampleIndex(0),
            blocks: VecDeque::with_capacity(BLOCKS_KEPT),
        }
    }

    /// The rate that samples come at.
    pub fn source_rate(&self) -> SampleRate {
        self.source_rate
    }

    /// Notes that `samples` more samples came, the last of them at `arrival`.
    pub fn push(&mut self, samples: usize, arrival: Arrival) {
        // an empty chunk would push out a block whose samples are still awaited
        if samples == 0 {
            return;
        }
        if self.blocks.len() == BLOCKS_KEPT {
            self.blocks.pop_front();
        }
        self.end += samples as u64;
        self.blocks.push_back((self.end, arrival));
    }

    /// One past the last sample so far.
    pub fn end(&self) -> SampleIndex {
        self.end
    }

    /// Begins a new segment at the sample after `lost` lost ones.
    pub fn skip(&mut self, lost: u64) {
        self.end += lost;
        self.segment_start = self.end;
        self.blocks.clear();
    }

    /// The source's samples that the model's samples `from .. to` of this segment stand for.
    pub fn span(&self, from: u64, to: u64) -> (SampleIndex, SampleIndex) {
        let (source, model) = (u128::from(self.source_rate.hz()), u128::from(self.model_rate.hz()));
        let floor = u128::from(from) * source / model;
        let ceil = (u128::from(to) * source).div_ceil(model);
        let at = |offset: u128| self.segment_start + u64::try_from(offset).unwrap_or(u64::MAX);
        // a flushed resampler rounds the end up by less than one sample
        (at(floor), at(ceil).min(self.end))
    }

    /// Source samples that have not come yet of those that the model's samples up to `to` of this segment stand for, and of
    /// `look_ahead` more.
    pub fn missing(&self, to: u64, look_ahead: u64) -> u64 {
        let (source, model) = (u128::from(self.source_rate.hz()), u128::from(self.model_rate.hz()));
        let wanted = (u128::from(to) * source).div_ceil(model) + u128::from(look_ahead);
        let come = u128::from(self.end.since(self.segment_start));
        u64::try_from(wanted.saturating_sub(come)).unwrap_or(u64::MAX)
    }

    /// When the sample before `end` came; forgets the blocks before it.
    pub fn arrival_of(&mut self, end: SampleIndex) -> Arrival {
        while self.blocks.len() > 1 && self.blocks[0].0 < end {
            self.blocks.pop_front();
        }
        self.blocks.front().map_or_else(Arrival::now, |(_, arrival)| *arrival)
    }
}
