//! The end of the ring that a source fills: in real time it drops what does not fit and marks the gap, offline it waits.
//!
//! Fed by the microphone's callback or by the thread `tympan-source`; feeds the consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer};

use super::RingCloser;
use super::ring::{Gap, Mark};
use crate::domain::{GapCause, InputCounters, SampleIndex, SampleRate};

/// First and longest wait of a producer that waits for room. The ring holds seconds, so a wait never starves its reader.
const WAITS: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(2));

/// The end that a source fills. Dropping it closes the ring: the consumer drains what is there, then sees the end.
pub struct SampleProducer {
    pub(super) closed: Arc<AtomicBool>,
    pub(super) samples: HeapProd<f32>,
    pub(super) marks: HeapProd<Mark>,
    pub(super) next: SampleIndex,
    pub(super) pending: Option<Gap>,
    pub(super) sample_rate: SampleRate,
    pub(super) counters: Arc<InputCounters>,
}

/// How a waiting push ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Every sample is in the ring.
    All,
    /// The consumer is gone, or a stop was asked for; the rest was not pushed.
    Stopped,
}

impl SampleProducer {
    /// The rate of the samples that are expected.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// The index the next sample will have.
    pub fn position(&self) -> SampleIndex {
        self.next
    }

    /// The counters it counts into.
    pub fn counters(&self) -> Arc<InputCounters> {
        Arc::clone(&self.counters)
    }

    /// A way to close the ring from elsewhere.
    pub fn closer(&self) -> RingCloser {
        RingCloser(Arc::clone(&self.closed))
    }

    /// Pushes a block if all of it fits, else drops all of it, counts it and marks the gap before the next block that
    /// fits. Blocks longer than the ring are split, each part fitting or not by itself.
    ///
    /// `arrival` is when the last sample of the block reached this process.
    ///
    /// # Real time
    /// No allocation, lock, log or system call.
    pub fn push_block(&mut self, mono: &[f32], arrival: Instant) {
        for part in mono.chunks(self.samples.capacity().get()) {
            self.counters.samples_captured.add(part.len() as u64);
            if self.fits(part.len()) {
                self.put(part, arrival);
            } else {
                self.counters.samples_dropped.add(part.len() as u64);
                self.lose(part.len() as u64, GapCause::Overrun, arrival);
            }
        }
    }

    /// Notes that the driver lost `samples` samples before the next block; their indices are passed over. Zero is
    /// nothing.
    ///
    /// # Real time
    /// No allocation, lock, log or system call.
    pub fn note_driver_gap(&mut self, samples: u64, noticed: Instant) {
        if samples > 0 {
            self.lose(samples, GapCause::DriverOverrun, noticed);
        }
    }

    /// Notes that so many samples of single channels were no numbers and were left out of the mean.
    ///
    /// # Real time
    /// No allocation, lock, log or system call.
    pub fn note_repaired(&self, samples: u64) {
        if samples > 0 {
            self.counters.samples_repaired.add(samples);
        }
    }

    /// Pushes a block, waiting for room: offline, nothing is dropped. Returns early when the consumer is gone or
    /// `stop` is set.
    pub fn push_waiting(&mut self, mono: &[f32], arrival: Instant, stop: &AtomicBool) -> Pushed {
        for part in mono.chunks(self.samples.capacity().get()) {
            let mut wait = WAITS.0;
            // Relaxed: the flag guards no other memory, and a stop that is seen one wait later is soon enough.
            while !self.fits(part.len()) && !stop.load(Ordering::Relaxed) && !self.is_abandoned() {
                std::thread::sleep(wait);
                wait = (wait * 2).min(WAITS.1);
            }
            if !self.fits(part.len()) || self.is_abandoned() {
                return Pushed::Stopped;
            }
            self.counters.samples_captured.add(part.len() as u64);
            self.put(part, arrival);
        }
        Pushed::All
    }

    /// Whether the consumer is gone or the ring was closed, so that nothing reads what is pushed.
    pub fn is_abandoned(&self) -> bool {
        // Relaxed: nothing else is read on the strength of it.
        self.closed.load(Ordering::Relaxed) || !self.samples.read_is_held()
    }

    /// One mark for the block, one for a gap before it, and one stays free for the gap at the very end.
    fn fits(&self, samples: usize) -> bool {
        self.samples.vacant_len() >= samples
            && self.marks.vacant_len() >= 2 + usize::from(self.pending.is_some())
    }

    /// Samples first: a mark that the consumer sees always has its samples behind it.
    fn put(&mut self, part: &[f32], arrival: Instant) {
        self.flush_gap();
        self.samples.push_slice(part);
        let _fits = self.marks.try_push(Mark::Block { samples: part.len(), arrival });
        self.next += part.len() as u64;
    }

    fn lose(&mut self, samples: u64, cause: GapCause, arrival: Instant) {
        if self.pending.is_some_and(|gap| gap.cause != cause) && self.marks.vacant_len() >= 2 {
            self.flush_gap();
        }
        let start = self.next;
        // With not one mark to spare the causes are merged under the first: the place and length stay right.
        let gap = self.pending.get_or_insert(Gap { start, samples: 0, cause, arrival });
        gap.samples += samples;
        gap.arrival = arrival;
        self.next += samples;
    }

    fn flush_gap(&mut self) {
        if let Some(gap) = self.pending.take()
            && self.marks.try_push(Mark::Gap(gap)).is_err()
        {
            self.pending = Some(gap);
        }
    }
}

impl Drop for SampleProducer {
    fn drop(&mut self) {
        // `fits` kept a mark free for this: audio lost just before the end is reported too.
        self.flush_gap();
    }
}
