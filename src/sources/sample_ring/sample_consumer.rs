//! The end of the ring that the feature stage drains: pieces of blocks and gaps, in the order of audio time.
//!
//! Fed by the producer; read by `tympan-features`, or by whatever scans offline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ringbuf::HeapCons;
use ringbuf::traits::{Consumer, Observer};

use super::ring::{Gap, Mark};
use crate::domain::{GapCause, SampleIndex, SampleRate};

/// What [`SampleConsumer::take`] found next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingItem {
    /// The first `count` places of the buffer were filled.
    Samples {
        /// Index of the first of them.
        start: SampleIndex,
        /// How many; never zero.
        count: usize,
        /// When the last sample of the *block* arrived that these came in: of a block taken in pieces, every piece
        /// has the same.
        arrival: Instant,
    },
    /// Audio is missing here; the buffer is untouched.
    Gap {
        /// The first lost sample.
        start: SampleIndex,
        /// How many are lost.
        samples: u64,
        /// Why.
        cause: GapCause,
        /// When the last of them was dropped, or the driver's loss was noticed.
        arrival: Instant,
    },
    /// Nothing yet.
    Empty,
    /// Nothing any more: the producer is gone, or the ring was closed, and all that was pushed has been taken.
    Ended,
}

/// The end that the feature stage drains.
pub struct SampleConsumer {
    pub(super) closed: Arc<AtomicBool>,
    pub(super) samples: HeapCons<f32>,
    pub(super) marks: HeapCons<Mark>,
    pub(super) open_block: Option<(usize, Instant)>,
    pub(super) next: SampleIndex,
    pub(super) sample_rate: SampleRate,
}

impl SampleConsumer {
    /// The rate of the samples.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// Samples that wait in the ring.
    pub fn waiting_samples(&self) -> usize {
        self.samples.occupied_len()
    }

    /// Takes the next piece: at most one block, or as much of it as `into` holds, or one gap. Never waits.
    ///
    /// # Panics
    /// When `into` is empty: it could never make progress.
    ///
    /// # Real time
    /// No allocation, lock or system call.
    pub fn take(&mut self, into: &mut [f32]) -> RingItem {
        assert!(!into.is_empty(), "take needs room for at least one sample");
        let (samples, arrival) = match self.open_block.take() {
            Some(open) => open,
            None => {
                // Asked before popping: a producer that pushes and then closes is never cut short.
                // Acquire: pairs with the release of `RingCloser::close`.
                let open = self.marks.write_is_held() && !self.closed.load(Ordering::Acquire);
                match self.marks.try_pop() {
                    None if open => return RingItem::Empty,
                    None => return RingItem::Ended,
                    Some(Mark::Gap(gap)) => return self.pass(gap),
                    Some(Mark::Block { samples, arrival }) => (samples, arrival),
                }
            }
        };
        let room = into.len().min(samples);
        let count = self.samples.pop_slice(&mut into[..room]);
        debug_assert_eq!(count, room, "a mark never precedes its samples");
        if count < samples {
            self.open_block = Some((samples - count, arrival));
        }
        let start = self.next;
        self.next += count as u64;
        RingItem::Samples { start, count, arrival }
    }

    fn pass(&mut self, gap: Gap) -> RingItem {
        self.next = gap.start + gap.samples;
        RingItem::Gap {
            start: gap.start,
            samples: gap.samples,
            cause: gap.cause,
            arrival: gap.arrival,
        }
    }
}
