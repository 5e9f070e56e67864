//! The two rings behind one: samples, and marks that say where blocks end and where audio is missing. Made by the
//! supervisor, one end for the source, one for the feature stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringbuf::HeapRb;
use ringbuf::traits::Split;

use super::{SampleConsumer, SampleProducer};
use crate::domain::{GapCause, InputCounters, SampleIndex, SampleRate};

/// The shortest block for which the marks never run out before the samples do. Real devices go down to 32 frames a
/// period; a source that pushes less at a time gets a proportionally shorter ring.
const MIN_BLOCK_SAMPLES: usize = 32;

/// Slots on top: a gap before the newest block, and the trailing gap that a closing producer must still get through.
const SPARE_MARKS: usize = 4;

/// What the marks ring carries, in the order of audio time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Block { samples: usize, arrival: Instant },
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) start: SampleIndex,
    pub(super) samples: u64,
    pub(super) cause: GapCause,
    pub(super) arrival: Instant,
}

/// Makes a ring that holds `capacity` of audio, at least one sample.
pub fn sample_ring(
    sample_rate: SampleRate,
    capacity: Duration,
    counters: Arc<InputCounters>,
) -> (SampleProducer, SampleConsumer) {
    let samples = usize::try_from(sample_rate.samples_in(capacity)).unwrap_or(usize::MAX).max(1);
    let (sample_in, sample_out) = HeapRb::new(samples).split();
    let (mark_in, mark_out) =
        HeapRb::new(samples.div_ceil(MIN_BLOCK_SAMPLES).saturating_add(SPARE_MARKS)).split();
    let closed = Arc::new(AtomicBool::new(false));
    let producer = SampleProducer {
        closed: Arc::clone(&closed),
        samples: sample_in,
        marks: mark_in,
        next: SampleIndex(0),
        pending: None,
        sample_rate,
        counters,
    };
    let consumer = SampleConsumer {
        closed,
        samples: sample_out,
        marks: mark_out,
        open_block: None,
        next: SampleIndex(0),
        sample_rate,
    };
    (producer, consumer)
}

/// Closes a ring whose producer is out of reach: in a thread that hangs in a driver or in a read.
#[derive(Clone)]
pub struct RingCloser(pub(super) Arc<AtomicBool>);

impl RingCloser {
    /// Closes the ring as dropping the producer does, but audio lost just before is not reported.
    pub fn close(&self) {
        // Release: whatever this thread saw of the producer happened before the end.
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pushed, RingItem};
    use super::*;

    fn ring_of(samples: u64) -> (SampleProducer, SampleConsumer, Arc<InputCounters>) {
        let rate = SampleRate::new(8_000).unwrap();
        let counters = Arc::new(InputCounters::default());
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
        assert!(matches!(consumer.take(&mut block), RingItem::Samples { count: 64, .. }));
        let RingItem::Gap { start, samples, cause, .. } = consumer.take(&mut block) else {
            panic!("the dropped block left no gap")
        };
        assert_eq!((start, samples, cause), (SampleIndex(64), 10, GapCause::Overrun));
        assert_eq!(consumer.take(&mut block), RingItem::Ended);
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
                RingItem::Gap { start, samples, cause, .. } => gaps.push((start.0, samples, cause)),
                RingItem::Ended => break,
                RingItem::Samples { .. } => (),
                RingItem::Empty => panic!("a closed ring is never merely empty"),
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
    fn a_closed_ring_ends_though_its_producer_lives() {
        let (mut producer, mut consumer, _) = ring_of(10);
        producer.push_block(&[0.5; 4], Instant::now());
        producer.closer().close();
        let mut block = [0.0; 10];
        assert!(matches!(consumer.take(&mut block), RingItem::Samples { count: 4, .. }));
        assert_eq!(consumer.take(&mut block), RingItem::Ended);
        let stop = AtomicBool::new(false);
        assert_eq!(producer.push_waiting(&[0.0], Instant::now(), &stop), Pushed::Stopped);
    }

    #[test]
    fn a_waiting_push_ends_when_the_consumer_is_gone() {
        let (mut producer, consumer, _) = ring_of(10);
        drop(consumer);
        let stop = AtomicBool::new(false);
        assert_eq!(producer.push_waiting(&[0.0; 50], Instant::now(), &stop), Pushed::Stopped);
    }
}
