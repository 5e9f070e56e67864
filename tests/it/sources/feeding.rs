//! Readers fed through their thread: complete offline, dropping in real time, and always stoppable.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tympan::domain::{InputCounters, SampleRate};
use tympan::sources::{Pace, PcmReader, RunningSource, SourceState, sample_ring};

use super::{Ending, Script, drain, start};

fn ramp(count: u32) -> Vec<f32> {
    (0..count).map(|index| index as f32).collect()
}

/// Asks until the source no longer says that it runs.
fn final_state(running: &mut Box<dyn RunningSource>) -> SourceState {
    loop {
        match running.state() {
            SourceState::Running => std::thread::sleep(Duration::from_millis(1)),
            other => return other,
        }
    }
}

#[test]
fn as_fast_as_possible_loses_nothing_even_to_a_slow_reader() {
    let script = Script::new(8_000, ramp(40_000), Ending::Plain);
    let (mut running, mut consumer, counters) =
        start(script, Pace::AsFastAsPossible, Duration::from_millis(30));
    std::thread::sleep(Duration::from_millis(50)); // the ring is long full
    let (captured, lost) = drain(&mut consumer);
    assert_eq!((captured, lost), (ramp(40_000), 0));
    assert_eq!(counters.samples_captured.get(), 40_000);
    assert!(matches!(final_state(&mut running), SourceState::Ended));
    assert!(matches!(running.state(), SourceState::Ended), "the end is remembered");
}

#[test]
fn real_time_pace_into_a_ring_that_nobody_drains_drops_and_says_how_much() {
    let script = Script::new(8_000, ramp(1_600), Ending::Plain);
    let (mut running, mut consumer, counters) =
        start(script, Pace::RealTime, Duration::from_millis(50));
    assert!(matches!(final_state(&mut running), SourceState::Ended));
    let (captured, lost) = drain(&mut consumer);
    assert_eq!(captured, ramp(400));
    assert_eq!((lost, counters.samples_dropped.get()), (1_200, 1_200));
}

#[test]
fn real_time_pace_takes_the_time_the_audio_takes() {
    let begin = Instant::now();
    let script = Script::new(8_000, ramp(1_600), Ending::Plain);
    let (_running, mut consumer, _) = start(script, Pace::RealTime, Duration::from_secs(1));
    let (captured, lost) = drain(&mut consumer);
    assert_eq!((captured.len(), lost), (1_600, 0));
    // no upper bound: the machine may be busy, but audio is never early
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[test]
fn an_error_in_mid_stream_is_reported_once_after_everything_before_it_was_delivered() {
    let script = Script::new(8_000, ramp(500), Ending::Broken);
    let (mut running, mut consumer, _) =
        start(script, Pace::AsFastAsPossible, Duration::from_secs(1));
    assert_eq!(drain(&mut consumer).0, ramp(500));
    let SourceState::Lost(error) = final_state(&mut running) else { panic!("the loss is hidden") };
    assert!(error.to_string().contains("cannot read script"), "{error}");
    let SourceState::Lost(again) = running.state() else { panic!("the loss is forgotten") };
    assert!(again.to_string().contains("open it again"), "{again}");
}

#[test]
fn a_source_that_hangs_in_a_read_is_stopped_and_its_ring_closed() {
    let (_release, hang) = crossbeam_channel::bounded(1);
    let script = Script::new(8_000, ramp(100), Ending::Hanging(hang));
    let (mut running, mut consumer, _) =
        start(script, Pace::AsFastAsPossible, Duration::from_secs(1));
    assert!(matches!(running.state(), SourceState::Running));
    while consumer.waiting_samples() < 100 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(running);
    assert_eq!(drain(&mut consumer).0, ramp(100), "it ends, with what was read");
}

#[test]
fn dropping_a_source_whose_ring_is_full_does_not_wait_for_a_reader() {
    let script = Script::new(8_000, ramp(100_000), Ending::Plain);
    let (running, mut consumer, _) =
        start(script, Pace::AsFastAsPossible, Duration::from_millis(20));
    std::thread::sleep(Duration::from_millis(20));
    drop(running);
    let (captured, lost) = drain(&mut consumer);
    assert!(captured.len() < 100_000 && lost == 0);
    assert_eq!(captured, ramp(captured.len() as u32));
}

#[test]
fn a_source_whose_consumer_is_gone_ends() {
    let script = Script::new(8_000, ramp(1_000_000), Ending::Plain);
    let (mut running, consumer, _) =
        start(script, Pace::AsFastAsPossible, Duration::from_millis(20));
    drop(consumer);
    assert!(matches!(final_state(&mut running), SourceState::Ended));
}

#[test]
fn standard_input_that_ends_in_the_middle_of_a_sample_keeps_all_whole_ones() {
    let mut bytes: Vec<u8> =
        [0.5_f32, 0.25, -0.5].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    bytes.extend([1, 2, 3]);
    let reader = PcmReader::new("stdin", "f32le:8000:1".parse().unwrap(), Cursor::new(bytes));
    let (mut running, mut consumer, _) =
        start(Box::new(reader), Pace::AsFastAsPossible, Duration::from_secs(1));
    assert_eq!(drain(&mut consumer), (vec![0.5, 0.25, -0.5], 0));
    assert!(matches!(final_state(&mut running), SourceState::Ended), "a torn end is no error");
}

/// Gives one byte at a time, as a pipe may.
struct Dribble(Cursor<Vec<u8>>);

impl Read for Dribble {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let room = into.len().min(1);
        self.0.read(&mut into[..room])
    }
}

#[test]
fn standard_input_that_comes_byte_by_byte_gives_the_same_samples() {
    let bytes: Vec<u8> = (0..600_i16).flat_map(|sample| (sample * 50).to_be_bytes()).collect();
    let spec = "s16be:16000:2".parse().unwrap();
    let read = |reader| {
        let (_running, mut consumer, _) =
            start(reader, Pace::AsFastAsPossible, Duration::from_secs(1));
        drain(&mut consumer).0
    };
    let whole = read(Box::new(PcmReader::new("stdin", spec, Cursor::new(bytes.clone()))));
    let dribbled = read(Box::new(PcmReader::new("stdin", spec, Dribble(Cursor::new(bytes)))));
    assert_eq!(whole.len(), 300);
    assert_eq!(whole, dribbled);
}

#[test]
fn a_ring_shorter_than_a_block_still_passes_everything_offline() {
    let rate = SampleRate::new(8_000).unwrap();
    let (producer, _) = sample_ring(rate, Duration::ZERO, Arc::new(InputCounters::default()));
    drop(producer); // a ring of no length is one of one sample, not a panic
    let script = Script::new(8_000, ramp(300), Ending::Plain);
    let (_running, mut consumer, _) =
        start(script, Pace::AsFastAsPossible, Duration::from_millis(2));
    assert_eq!(drain(&mut consumer).0, ramp(300));
}
