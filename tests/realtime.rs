//! Counts what the audio callback allocates: nothing, over 100,000 callbacks, whatever the format and however full the
//! ring. A binary of its own, since it replaces the global allocator; everything runs on the test's threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpal::{FromSample, I24, SizedSample};
use tympan::domain::{InputCounters, SampleRate};
use tympan::sources::{CaptureCallback, ChannelSelection, RingItem, SampleConsumer, sample_ring};

const CALLBACKS: u64 = 100_000;

thread_local! {
    /// Allocations and frees of this thread, so that the test harness's own threads do not count.
    static TOUCHES: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn touch() {
    // Not there while a thread is being torn down; nothing is measured then.
    let _torn_down = TOUCHES.try_with(|touches| touches.set(touches.get() + 1));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches a thread-local cell that needs no
// allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        touch();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        touch();
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        touch();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn touches_during(body: impl FnOnce()) -> u64 {
    let before = TOUCHES.with(Cell::get);
    body();
    TOUCHES.with(Cell::get) - before
}

/// Who empties the ring.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    KeepsUp,
    Stands,
}

fn drain(consumer: &mut SampleConsumer, block: &mut [f32]) {
    while !matches!(consumer.take(block), RingItem::Empty | RingItem::Ended) {}
}

/// Allocations and frees of 100,000 callbacks of 10 ms stereo, and what was dropped.
fn run<T>(value: T, selection: ChannelSelection, reader: Reader) -> (u64, u64)
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let counters = Arc::new(InputCounters::default());
    let rate = SampleRate::new(48_000).unwrap();
    let (producer, mut consumer) =
        sample_ring(rate, Duration::from_millis(100), Arc::clone(&counters));
    let mut callback = CaptureCallback::new(2, selection, producer).unwrap();
    let frames = vec![value; 480 * 2];
    let mut block = vec![0.0; 480];
    let touches = touches_during(|| {
        for round in 0..CALLBACKS {
            if round % 1000 == 0 {
                callback.note_driver_gap(7, Instant::now());
            }
            callback.deliver(&frames, Instant::now());
            if reader == Reader::KeepsUp {
                drain(&mut consumer, &mut block);
            }
        }
    });
    assert_eq!(counters.samples_captured.get(), CALLBACKS * 480, "every callback was delivered");
    (touches, counters.samples_dropped.get())
}

#[test]
fn the_counter_counts() {
    assert!(touches_during(|| drop(std::hint::black_box(vec![0_u8; 100]))) >= 2);
}

#[test]
fn a_hundred_thousand_callbacks_allocate_nothing() {
    assert_eq!(run(1_i16, ChannelSelection::Mix, Reader::KeepsUp), (0, 0));
    assert_eq!(run(0.25_f32, ChannelSelection::One(1), Reader::KeepsUp), (0, 0));
    assert_eq!(run(I24::new(5).unwrap(), ChannelSelection::Mix, Reader::KeepsUp), (0, 0));
    assert_eq!(run(200_u8, ChannelSelection::Mix, Reader::KeepsUp), (0, 0));
    assert_eq!(run(1e-300_f64, ChannelSelection::Mix, Reader::KeepsUp), (0, 0));
}

#[test]
fn a_hundred_thousand_callbacks_into_a_full_ring_allocate_nothing() {
    let kept = 10 * 480;
    let expected = (0, CALLBACKS * 480 - kept);
    assert_eq!(run(1_i32, ChannelSelection::Mix, Reader::Stands), expected);
    assert_eq!(run(0.25_f32, ChannelSelection::Mix, Reader::Stands), expected);
}
