//! The feature thread and the classify thread allocate nothing once they run: a minute of sound through the front end, of
//! windows through the recogniser and of scores from every kind of network, counted by this program's own allocator. A
//! program of its own, because an allocator serves all of a program's tests and threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tympan::domain::{LabelSet, MelWindow, Published, Record, SampleIndex, SampleRate, Scores};
use tympan::features::{Arrival, Featuriser, FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use tympan::model::{Model, NetworkKind, NetworkScorer, NetworkSpec};
use tympan::recognition::{
    DetectorSettings, DetectorSpec, ModelTraits, Recogniser, RecognitionRules, Scorer, ScorerError,
    Thresholds,
};
use tympan::testing::random_bundle;

thread_local! {
    /// Calls of the allocator by this thread, frees included. Without a destructor, so that the allocator may use it.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct CountingAllocator;

fn count() {
    // a thread that is ending has no counter any more, and is no test
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: hands every call to the system's allocator unchanged.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(block, layout, bytes) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count();
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn calls_during(run: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    run();
    CALLS.get() - before
}

/// The standard front end, windows of two seconds every 80 ms.
fn spec() -> FeaturiserSpec {
    let front_end = FrontEndSpec::standard().unwrap();
    let normaliser = Normaliser {
        mean: vec![-40.0; front_end.mel_bands],
        deviation: vec![15.0; front_end.mel_bands],
    };
    FeaturiserSpec { front_end, normaliser, window: WindowSpec { frames: 100, hop_frames: 4 } }
}

/// Pushes `samples` in chunks of 10 ms, of 1 sample and of 1021 by turns; counts the windows.
fn push(featuriser: &mut Featuriser, window: &mut MelWindow, samples: &[f32], hz: u32) -> u64 {
    let mut windows = 0;
    let mut rest = samples;
    for length in [hz as usize / 100, 1, 0, 1_021].into_iter().cycle() {
        let (chunk, later) = rest.split_at(length.min(rest.len()));
        featuriser.push(chunk, Arrival::now(), &mut |mut ready| {
            ready.copy_into(window);
            windows += 1;
        });
        rest = later;
        if rest.is_empty() {
            return windows;
        }
    }
    windows
}

#[test]
fn the_counter_counts() {
    assert_eq!(calls_during(|| drop(std::hint::black_box(Box::new(1u8)))), 2);
}

#[test]
fn a_minute_of_sound_makes_no_allocation_after_the_first_window() {
    for hz in [48_000, 16_000, 44_100, 8_000] {
        let rate = SampleRate::new(hz).unwrap();
        let mut featuriser = Featuriser::new(&spec(), rate).unwrap();
        let mut window = featuriser.empty_window();
        let second: Vec<f32> = (0..hz).map(|index| (index % 101) as f32 / 101.0 - 0.5).collect();
        // 100 frames are 2.044 s
        let warm_up = second.repeat(2);
        push(&mut featuriser, &mut window, &warm_up, hz);
        assert_eq!(push(&mut featuriser, &mut window, &second[..hz as usize / 10], hz), 1);
        let mut windows = 0;
        let calls = calls_during(|| {
            for _ in 0..60 {
                windows += push(&mut featuriser, &mut window, &second, hz);
            }
        });
        // a window every 80 ms
        assert!((749..=750).contains(&windows), "{hz} Hz: {windows} windows in a minute");
        assert_eq!(calls, 0, "{hz} Hz: calls of the allocator in a minute");
    }
}

#[test]
fn gaps_broken_samples_and_the_end_make_no_allocation_either() {
    let hz = 48_000;
    let mut featuriser = Featuriser::new(&spec(), SampleRate::new(hz).unwrap()).unwrap();
    let mut window = featuriser.empty_window();
    let broken: Vec<f32> =
        (0..3 * hz).map(|index| if index % 7 == 0 { f32::NAN } else { 0.1 }).collect();
    push(&mut featuriser, &mut window, &broken, hz);
    let mut windows = 0;
    let calls = calls_during(|| {
        for _ in 0..5 {
            featuriser.skip(480);
            windows += push(&mut featuriser, &mut window, &broken, hz);
            featuriser.flush(&mut |mut ready| ready.copy_into(&mut window));
        }
    });
    assert!(windows >= 5 * 11, "{windows} windows");
    assert_eq!(calls, 0);
}

/// Detects the first label in every other second of windows.
struct EveryOtherSecond(LabelSet);

impl Scorer for EveryOtherSecond {
    fn labels(&self) -> &LabelSet {
        &self.0
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            let is_detected = window.end_sample.0 / 16_000 % 2 == 0;
            scores.values.iter_mut().for_each(|score| *score = 0.1);
            scores.values[0] = if is_detected { 0.9 } else { 0.1 };
        }
        Ok(())
    }
}

#[test]
fn a_minute_of_windows_and_their_events_makes_no_allocation() {
    let rate = SampleRate::new(16_000).unwrap();
    let labels = LabelSet::new(&["dog", "cat", "cow", "hen", "pig", "frog"]).unwrap();
    let thresholds = vec![Thresholds { on: 0.5, off: 0.3 }; labels.len()];
    let hop = Duration::from_millis(80);
    let model = ModelTraits { non_events: Vec::new(), labels: labels.clone(), thresholds, hop };
    let rules = RecognitionRules {
        smoothing: Duration::from_millis(150),
        detector: DetectorSpec::new(&model, DetectorSettings::default()).unwrap(),
        denied_labels: Vec::new(),
        top_labels: 5,
    };
    let scorer = Box::new(EveryOtherSecond(labels));
    let mut recogniser = Recogniser::new(scorer, rules, "minute", rate).unwrap();
    let mut batch = vec![MelWindow::zeros(100, 64); 4];
    let mut next = 0u64;
    let mut push = |count: usize, records: &mut u64, events: &mut u64| {
        for window in &mut batch[..count] {
            window.start_sample = SampleIndex(next * 1_280);
            window.end_sample = SampleIndex(next * 1_280 + 32_000);
            window.level_dbfs = -20.0;
            next += 1;
        }
        let emit = &mut |published: Published| {
            *records += 1;
            *events += u64::from(matches!(published.record, Record::Event(_)));
        };
        recogniser.push_batch(&batch[..count], emit).unwrap();
    };
    let (mut records, mut events) = (0, 0);
    (0..20).for_each(|_| push(4, &mut records, &mut events));
    (records, events) = (0, 0);
    let calls = calls_during(|| {
        for index in 0..300 {
            push(index % 4 + 1, &mut records, &mut events);
        }
    });
    assert!(records - events == 750 && events > 50, "{records} records, {events} events");
    assert_eq!(calls, 0, "calls of the allocator in a minute");
}

#[test]
fn a_minute_of_scores_makes_no_allocation_whatever_the_network() {
    for kind in [NetworkKind::Conv1d, NetworkKind::Cnn, NetworkKind::Lstm, NetworkKind::Crnn] {
        let network = NetworkSpec::standard(kind);
        let window = WindowSpec { frames: network.frames_near(94), hop_frames: 4 };
        let bundle = random_bundle(network, window, 64, &["dog", "cat", "cow"], 1).unwrap();
        let mut scorer = NetworkScorer::new(&Arc::new(Model::new(&bundle)));
        let mut batch = vec![MelWindow::zeros(window.frames, 64); 4];
        let mut scores = vec![Scores::zeros(3); 4];
        let mut next = 0u64;
        let mut push = |count: usize| {
            for window in &mut batch[..count] {
                window.segment = next / 100;
                window.start_frame = next % 100 * 4;
                next += 1;
            }
            scorer.score_into(&batch[..count], &mut scores[..count]).unwrap();
        };
        (0..60).for_each(|_| push(4));
        let calls = calls_during(|| (0..300).for_each(|index| push(index % 4 + 1)));
        assert_eq!(calls, 0, "{kind}: calls of the allocator in a minute");
        assert!(scores.iter().all(|scores| scores.values.iter().all(|score| *score > 0.0)));
    }
}
