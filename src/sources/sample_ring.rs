//! The ring between a source and the feature stage: samples, and marks that say where blocks end and where audio is missing.
//!
//! Fed by the microphone's callback (real time: drops when full) or by the feeder thread (drops or waits, by its
//! pace); drained by `tympan-features`. Neither side ever blocks the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::domain::{Counters, GapCause, SampleIndex, SampleRate};

/// The shortest block for which the marks never run out before the samples do. Real devices go down to 32 frames a
/// period; a source that pushes less at a time gets a proportionally shorter ring.
const SHORTEST_BLOCK: usize = 32;

/// Slots on top: a gap before the newest block, and the trailing gap that a closing producer must still get through.
const SPARE_MARKS: usize = 4;

/// First and longest nap of a producer that waits for room. The ring holds seconds, so a nap never starves its reader.
const NAPS: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(2));

/// What the marks ring carries, in the order of audio time.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Block { samples: usize, arrival: Instant },
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    start: SampleIndex,
    samples: u64,
    cause: GapCause,
    arrival: Instant,
}

/// Makes a ring that holds `capacity` of audio, at least one sample.
pub fn sample_ring(
    sample_rate: SampleRate,
    capacity: Duration,
    counters: Arc<Counters>,
) -> (SampleProducer, SampleConsumer) {
    let samples = usize::try_from(sample_rate.samples_in(capacity)).unwrap_or(usize::MAX).max(1);
    let (sample_in, sample_out) = HeapRb::new(samples).split();
    let (mark_in, mark_out) =
        HeapRb::new(samples.div_ceil(SHORTEST_BLOCK).saturating_add(SPARE_MARKS)).split();
    let producer = SampleProducer {
        samples: sample_in,
        marks: mark_in,
        next: SampleIndex(0),
        pending: None,
        sample_rate,
        counters,
    };
    let consumer = SampleConsumer {
        samples: sample_out,
        marks: mark_out,
        open_block: None,
        next: SampleIndex(0),
        sample_rate,
    };
    (producer, consumer)
}

/// The end that a source fills. Dropping it closes the ring: the consumer drains what is there, then sees the end.
pub struct SampleProducer {
    samples: HeapProd<f32>,
    marks: HeapProd<Mark>,
    next: SampleIndex,
    pending: Option<Gap>,
    sample_rate: SampleRate,
    counters: Arc<Counters>,
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
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
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

    /// Pushes a block, waiting for room: offline, nothing is dropped. Returns early when the consumer is gone or
    /// `stop` is set.
    pub fn push_waiting(&mut self, mono: &[f32], arrival: Instant, stop: &AtomicBool) -> Pushed {
        for part in mono.chunks(self.samples.capacity().get()) {
            let mut nap = NAPS.0;
            // Relaxed: the flag guards no other memory, and a stop that is seen one nap later is soon enough.
            while !self.fits(part.len()) && !stop.load(Ordering::Relaxed) && !self.is_abandoned() {
                std::thread::sleep(nap);
                nap = (nap * 2).min(NAPS.1);
            }
            if !self.fits(part.len()) || self.is_abandoned() {
                return Pushed::Stopped;
            }
            self.counters.samples_captured.add(part.len() as u64);
            self.put(part, arrival);
        }
        Pushed::All
    }

    /// Whether the consumer is gone, so that whatever is pushed is heard by nobody.
    pub fn is_abandoned(&self) -> bool {
        !self.samples.read_is_held()
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
        // `fits` kept a mark free for this: audio lost just before the end is told too.
        self.flush_gap();
    }
}

/// What [`SampleConsumer::take`] found next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
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
    /// Nothing any more: the producer is gone and all it pushed has been taken.
    Ended,
}

/// The end that the feature stage drains.
pub struct SampleConsumer {
    samples: HeapCons<f32>,
    marks: HeapCons<Mark>,
    open_block: Option<(usize, Instant)>,
    next: SampleIndex,
    sample_rate: SampleRate,
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
    pub fn take(&mut self, into: &mut [f32]) -> Taken {
        assert!(!into.is_empty(), "take needs room for at least one sample");
        let (samples, arrival) = match self.open_block.take() {
            Some(open) => open,
            None => {
                // Asked before popping: a producer that pushes and then closes is never cut short.
                let open = self.marks.write_is_held();
                match self.marks.try_pop() {
                    None if open => return Taken::Empty,
                    None => return Taken::Ended,
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
        Taken::Samples { start, count, arrival }
    }

    fn pass(&mut self, gap: Gap) -> Taken {
        self.next = gap.start + gap.samples;
        Taken::Gap {
            start: gap.start,
            samples: gap.samples,
            cause: gap.cause,
            arrival: gap.arrival,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring_of(samples: u64) -> (SampleProducer, SampleConsumer, Arc<Counters>) {
        let rate = SampleRate::new(8_000).unwrap();
        let counters = Arc::new(Counters::default());
        let (producer, consumer) =
            sample_ring(rate, rate.duration_of(samples), Arc::clone(&counters));
        (producer, consumer, counters)
    }

    #[test]
    fn a_gap_just_before_the_end_still_arrives() {
        let (mut producer, mut consumer, counters) = ring_of(64);
        let now = Instant::now();
        producer.push_block(&[0.5; 64], now);
        producer.push_block(&[0.25; 10], now);
        drop(producer);
        let mut block = [0.0; 64];
        assert!(matches!(consumer.take(&mut block), Taken::Samples { count: 64, .. }));
        let Taken::Gap { start, samples, cause, .. } = consumer.take(&mut block) else {
            panic!("the dropped block left no gap")
        };
        assert_eq!((start, samples, cause), (SampleIndex(64), 10, GapCause::Overrun));
        assert_eq!(consumer.take(&mut block), Taken::Ended);
        assert_eq!((counters.samples_captured.get(), counters.samples_dropped.get()), (74, 10));
    }

    #[test]
    fn two_causes_make_two_gaps_in_their_order() {
        let (mut producer, mut consumer, _) = ring_of(32);
        let now = Instant::now();
        producer.push_block(&[0.5; 32], now);
        producer.push_block(&[0.5; 7], now);
        producer.push_block(&[0.5; 7], now);
        producer.note_driver_gap(100, now);
        drop(producer);
        let mut block = [0.0; 32];
        let mut gaps = Vec::new();
        loop {
            match consumer.take(&mut block) {
                Taken::Gap { start, samples, cause, .. } => gaps.push((start.0, samples, cause)),
                Taken::Ended => break,
                Taken::Samples { .. } => (),
                Taken::Empty => panic!("a closed ring is never merely empty"),
            }
        }
        assert_eq!(gaps, [(32, 14, GapCause::Overrun), (46, 100, GapCause::DriverOverrun)]);
    }

    #[test]
    fn blocks_of_32_fill_the_ring_to_its_last_sample() {
        let (mut producer, consumer, counters) = ring_of(3200);
        for _ in 0..100 {
            producer.push_block(&[0.1; 32], Instant::now());
        }
        assert_eq!(consumer.waiting_samples(), 3200);
        assert_eq!(counters.samples_dropped.get(), 0);
    }

    #[test]
    fn a_waiting_push_ends_when_the_consumer_is_gone() {
        let (mut producer, consumer, _) = ring_of(10);
        drop(consumer);
        let stop = AtomicBool::new(false);
        assert_eq!(producer.push_waiting(&[0.0; 50], Instant::now(), &stop), Pushed::Stopped);
    }
}
