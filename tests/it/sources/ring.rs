//! The ring accounts for every sample, whatever is pushed, dropped, lost and taken. Runs on the test's thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tympan::domain::{GapCause, InputCounters, SampleIndex, SampleRate};
use tympan::sources::{RingItem, SampleConsumer, sample_ring};

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    DriverGap(u64),
    Take(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..300).prop_map(Step::Push),
        1 => (0_u64..50).prop_map(Step::DriverGap),
        4 => (1_usize..200).prop_map(Step::Take),
    ];
    prop::collection::vec(step, 1..200)
}

/// Follows the consumer and checks that each piece begins where the one before ended.
#[derive(Default)]
struct Ledger {
    next: SampleIndex,
    taken: u64,
    overrun: u64,
    driver: u64,
    two_gaps_touch: bool,
    after_overrun: bool,
}

impl Ledger {
    /// Enters one piece; false when there is nothing now, or no more.
    fn enter(&mut self, taken: RingItem, block: &[f32]) -> bool {
        match taken {
            RingItem::Samples { start, count, .. } => {
                assert!(count > 0 && start == self.next, "{taken:?} after {}", self.next);
                for (offset, &sample) in block[..count].iter().enumerate() {
                    // every sample carries its own index
                    assert_eq!(sample, ((start.0 + offset as u64) % 8_388_608) as f32);
                }
                self.next += count as u64;
                self.taken += count as u64;
                self.after_overrun = false;
            }
            RingItem::Gap { start, samples, cause, .. } => {
                assert!(samples > 0 && start == self.next, "{taken:?} after {}", self.next);
                self.next += samples;
                let is_overrun = cause == GapCause::Overrun;
                self.two_gaps_touch |= is_overrun && self.after_overrun;
                self.after_overrun = is_overrun;
                if is_overrun { self.overrun += samples } else { self.driver += samples }
            }
            RingItem::Empty | RingItem::Ended => return false,
        }
        true
    }

    fn drain(&mut self, consumer: &mut SampleConsumer) {
        let mut block = [0.0; 64];
        loop {
            let taken = consumer.take(&mut block);
            if !self.enter(taken, &block) {
                return;
            }
        }
    }
}

fn numbered(start: SampleIndex, count: usize) -> Vec<f32> {
    (0..count as u64).map(|offset| ((start.0 + offset) % 8_388_608) as f32).collect()
}

proptest! {
    #[test]
    fn every_sample_is_taken_or_in_a_gap_in_order(steps in steps(), capacity in 40_u64..600) {
        let rate = SampleRate::new(8_000).unwrap();
        let counters = Arc::new(InputCounters::default());
        let (mut producer, mut consumer) =
            sample_ring(rate, rate.duration_of(capacity), Arc::clone(&counters));
        let mut ledger = Ledger::default();
        let mut lost_by_driver = 0;
        for step in steps {
            match step {
                Step::Push(count) => {
                    producer.push_block(&numbered(producer.position(), count), Instant::now());
                }
                Step::DriverGap(samples) => {
                    producer.note_driver_gap(samples, Instant::now());
                    lost_by_driver += samples;
                }
                Step::Take(room) => {
                    let mut block = vec![0.0; room];
                    let taken = consumer.take(&mut block);
                    ledger.enter(taken, &block);
                }
            }
        }
        let end = producer.position();
        drop(producer);
        ledger.drain(&mut consumer);
        prop_assert_eq!(consumer.take(&mut [0.0]), RingItem::Ended);
        prop_assert_eq!(ledger.next, end);
        let marked_lost = ledger.overrun + ledger.driver;
        let (captured, dropped) = (counters.samples_captured.get(), counters.samples_dropped.get());
        prop_assert_eq!(ledger.taken, captured - dropped);
        prop_assert_eq!(marked_lost, dropped + lost_by_driver);
        prop_assert!(!ledger.two_gaps_touch, "drops in a row are one gap");
    }
}

#[test]
fn two_threads_pass_a_million_samples_without_loss_when_the_producer_waits() {
    let rate = SampleRate::new(48_000).unwrap();
    let counters = Arc::new(InputCounters::default());
    let (mut producer, mut consumer) =
        sample_ring(rate, Duration::from_millis(20), Arc::clone(&counters));
    let feeding = std::thread::spawn(move || {
        let stop = AtomicBool::new(false);
        let mut prime = 1;
        while producer.position().0 < 1_000_000 {
            // sizes from 1 to beyond the ring
            prime = prime * 7 % 1009;
            let block = numbered(producer.position(), prime);
            producer.push_waiting(&block, Instant::now(), &stop);
        }
        producer.position().0
    });
    let mut ledger = Ledger::default();
    let mut block = [0.0; 333];
    loop {
        let taken = consumer.take(&mut block);
        if taken == RingItem::Ended {
            break;
        }
        ledger.enter(taken, &block);
    }
    assert_eq!(ledger.taken, feeding.join().unwrap());
    assert_eq!(counters.samples_dropped.get(), 0);
}

#[test]
fn two_threads_account_for_every_sample_when_the_producer_drops() {
    let rate = SampleRate::new(48_000).unwrap();
    let counters = Arc::new(InputCounters::default());
    let (mut producer, mut consumer) =
        sample_ring(rate, Duration::from_millis(2), Arc::clone(&counters));
    let feeding = std::thread::spawn(move || {
        for round in 0..20_000 {
            producer.push_block(&numbered(producer.position(), 32), Instant::now());
            if round % 50 == 0 {
                std::thread::yield_now();
            }
        }
    });
    let mut ledger = Ledger::default();
    let mut block = [0.0; 50];
    loop {
        let taken = consumer.take(&mut block);
        if taken == RingItem::Ended {
            break;
        }
        ledger.enter(taken, &block);
    }
    feeding.join().unwrap();
    assert_eq!(ledger.taken + ledger.overrun, 20_000 * 32);
    assert_eq!(ledger.overrun, counters.samples_dropped.get());
}

#[test]
fn the_arrival_of_a_block_is_that_of_each_of_its_pieces() {
    let rate = SampleRate::new(8_000).unwrap();
    let (mut producer, mut consumer) =
        sample_ring(rate, Duration::from_secs(1), Arc::new(InputCounters::default()));
    let first = Instant::now();
    let second = first + Duration::from_millis(10);
    producer.push_block(&[0.0; 100], first);
    producer.push_block(&[0.0; 100], second);
    let mut arrivals = Vec::new();
    let mut block = [0.0; 60];
    while let RingItem::Samples { count, arrival, .. } = consumer.take(&mut block) {
        arrivals.push((count, arrival));
    }
    assert_eq!(arrivals, [(60, first), (40, first), (60, second), (40, second)]);
}
