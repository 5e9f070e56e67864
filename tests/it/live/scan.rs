//! The scan of a clip: the same records as the live path, clips shorter than a window, several clips in a row.

use serde_json::Value;
use tympan::domain::{Clip, Overflow, Record, WindowRecord};
use tympan::offline::{ClipScanner, ClipWindows};
use tympan::recognition::Recogniser;

use super::fakes::{Behaviour, End, Loudness, Scored, ScriptedSource, script_of};
use super::{
    HOP, WINDOW, assert_events_pair_up, detector, events, featuriser, noise, play, quiet, rate,
    rules, spec, windows,
};

fn scanner(scorer: Loudness) -> ClipScanner {
    let rules = rules(detector());
    let recogniser = Recogniser::new(Box::new(scorer), rules, "none yet", rate(16_000)).unwrap();
    ClipScanner::new(featuriser(), recogniser)
}

fn scan(scanner: &mut ClipScanner, hz: u32, samples: Vec<f32>) -> (ClipWindows, Vec<Record>) {
    let mut records = Vec::new();
    let clip = Clip { sample_rate: rate(hz), samples };
    let scan = scanner.scan(&clip, "script".into(), &mut |record| records.push(record)).unwrap();
    (scan, records)
}

/// The lines as users read them, but for what depends on when they were written.
fn timeless(records: &[Record]) -> Vec<Value> {
    let line = |record: &Record| {
        let mut line = serde_json::to_value(record).unwrap();
        let fields = line.as_object_mut().unwrap();
        assert!(fields.remove("time").is_some());
        fields.remove("latency_us");
        line
    };
    let reported = |record: &&Record| !matches!(record, Record::Status(_));
    records.iter().filter(reported).map(line).collect()
}

#[test]
fn a_clip_gives_the_same_records_scanned_and_played() {
    for hz in [8_000, 16_000, 44_100, 48_000] {
        let second = hz as usize;
        let samples =
            [quiet(second), noise(second), quiet(second / 3), noise(second / 2 + 7)].concat();
        let (_, scanned) = scan(&mut scanner(Loudness::well()), hz, samples.clone());
        let script = ScriptedSource { rate: rate(hz), ..script_of(samples, End::Ended) };
        let (_, played, _) = play(script, Loudness::well(), spec(Overflow::Block));
        assert_eq!(timeless(&scanned), timeless(&played), "{hz} Hz");
        assert!(events(&scanned).len() >= 2, "{hz} Hz: nothing was detected");
        assert_events_pair_up(&scanned);
    }
}

#[test]
fn a_clip_shorter_than_one_window_is_padded_to_exactly_one_and_says_so() {
    for hz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        let needed = featuriser().window_samples(rate(hz));
        for samples_given in [1, needed / 2, needed - 1] {
            let samples = noise(usize::try_from(samples_given).unwrap());
            let (scan, records) = scan(&mut scanner(Loudness::well()), hz, samples);
            let shown: Vec<&WindowRecord> = windows(&records);
            let [window] = shown[..] else { panic!("{hz} Hz, {samples_given} samples: {shown:?}") };
            assert_eq!(window.padded_samples, needed - samples_given, "{hz} Hz");
            assert_eq!((window.start_sample.0, window.end_sample.0), (0, needed), "{hz} Hz");
            assert_eq!((scan.windows, scan.padded_samples), (1, needed - samples_given));
        }
        let (scan, records) =
            scan(&mut scanner(Loudness::well()), hz, noise(usize::try_from(needed).unwrap()));
        assert_eq!((scan.windows, scan.padded_samples), (1, 0), "{hz} Hz");
        assert_eq!(windows(&records)[0].padded_samples, 0);
    }
}

#[test]
fn a_clip_without_samples_is_not_scored() {
    let (scan, records) = scan(&mut scanner(Loudness::well()), 16_000, Vec::new());
    assert_eq!((scan.windows, scan.padded_samples, records), (0, 0, Vec::new()));
}

#[test]
fn clips_in_a_row_begin_at_zero_are_never_taken_for_one_another_and_number_their_events_on() {
    let scorer = Loudness::well();
    let scored = scorer.scored();
    let mut scanner = scanner(scorer);
    let mut ids = Vec::new();
    for hz in [16_000, 8_000, 16_000] {
        let (_, records) = scan(&mut scanner, hz, noise(hz as usize));
        assert_eq!(windows(&records)[0].start_sample.0, 0);
        ids.extend(events(&records).iter().map(|event| event.id));
    }
    assert_eq!(ids, [1, 1, 2, 2, 3, 3]);
    let scored = scored.lock().unwrap();
    let clips: Vec<&[Scored]> = scored.chunk_by(|a, b| a.stream == b.stream).collect();
    assert_eq!(clips.len(), 3, "a clip's windows are a stream of their own");
    for clip in clips {
        let mut places: Vec<_> = clip.iter().map(|w| (w.segment, w.start_frame)).collect();
        places.dedup();
        assert_eq!(places.len() as u64, (16_000 - WINDOW) / HOP + 1);
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[test]
fn a_scorer_that_fails_ends_the_scan_and_what_was_open() {
    let mut records = Vec::new();
    let clip = Clip { sample_rate: rate(16_000), samples: noise(32_000) };
    let mut scanner = scanner(Loudness::new(Behaviour::FailsAt(4)));
    let failed = scanner.scan(&clip, "a".into(), &mut |record| records.push(record));
    assert!(failed.is_err());
    assert_eq!((windows(&records).len(), events(&records).len()), (4, 2));
}

#[test]
fn broken_samples_of_a_clip_are_counted() {
    let mut samples = noise(16_000);
    samples[3] = f32::NAN;
    let (scan, _) = scan(&mut scanner(Loudness::well()), 16_000, samples);
    assert_eq!(scan.samples_repaired, 1);
}
