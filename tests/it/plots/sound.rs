//! Pictures of sound: waveform, envelope, spectrogram, labels over time.

use std::f32::consts::TAU;
use std::sync::Arc;

use tympan::domain::{
    Clip, EventPhase, EventRecord, LabelScore, Record, SampleIndex, SampleRate, WindowRecord,
};
use tympan::features::{FrontEndSpec, Normaliser};
use tympan::plots::{
    Envelope, LabelRow, MelFrames, PlotError, Sheet, Signal, draw_envelope, draw_spectrogram,
    draw_timeline, draw_waveform,
};

use super::{Pixels, last_place_of, pixels_of, place_of, shows, svg_of};

const BLUE: [u8; 3] = [0x00, 0x72, 0xb2];

fn rate() -> SampleRate {
    SampleRate::new(16_000).unwrap()
}

fn tone(hz: f32, seconds: f32) -> Clip {
    let samples = (0..(seconds * 16_000.0) as usize)
        .map(|at| 0.5 * (TAU * hz * at as f32 / 16_000.0).sin())
        .collect();
    Clip { sample_rate: rate(), samples }
}

fn signal(clip: &Clip) -> Signal<'_> {
    Signal { samples: &clip.samples, sample_rate: clip.sample_rate }
}

fn is_blue(pixels: &Pixels, x: u32, y: u32) -> bool {
    pixels.at(x, y).iter().zip(BLUE).all(|(&channel, blue)| channel.abs_diff(blue) < 30)
}

/// The lowest and the highest row of a column that is blue.
fn blue_rows(pixels: &Pixels, x: u32) -> Option<(u32, u32)> {
    let mut rows = (0..pixels.height).filter(|&y| is_blue(pixels, x, y));
    let first = rows.next()?;
    Some((first, rows.next_back().unwrap_or(first)))
}

#[test]
fn a_waveform_reaches_from_the_first_second_to_the_last_and_as_high_as_it_is_loud() {
    let picture = draw_waveform(signal(&tone(440.0, 12.0)), &Sheet::titled("a tone")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["a tone", "time (s)", "amplitude", "−1.0", "1.0", "0", "12"]);
    let pixels = pixels_of(&picture);
    let (start, end) = (place_of(&svg, "0").unwrap().0, place_of(&svg, "12").unwrap().0);
    let row = |text: &str| place_of(&svg, text).unwrap().1;
    for x in [start + 3.0, (start + end) / 2.0, end - 3.0] {
        let (top, bottom) = blue_rows(&pixels, x as u32).unwrap();
        assert!((f64::from(top) - row("0.5")).abs() < 6.0, "{x}: {top} {}", row("0.5"));
        assert!((f64::from(bottom) - row("−0.5")).abs() < 6.0, "{x}: {bottom}");
    }
}

#[test]
fn a_single_click_in_ten_minutes_is_seen() {
    let mut samples = vec![0.0; 16_000 * 600];
    samples[16_000 * 300 + 7] = 0.9;
    let clip = Clip { sample_rate: rate(), samples };
    let sheet = Sheet { title: String::new(), width: Some(600), height: Some(200) };
    let pixels = pixels_of(&draw_waveform(signal(&clip), &sheet).unwrap());
    let tallest = (0..600)
        .filter_map(|x| blue_rows(&pixels, x))
        .map(|(top, bottom)| bottom - top)
        .max()
        .unwrap();
    assert!(tallest > 40, "{tallest}");
}

#[test]
fn what_trimming_removes_is_shaded_and_the_rest_is_not() {
    let mut clip = tone(440.0, 2.0);
    clip.samples[..16_000].fill(0.0);
    let amplitudes: Vec<f32> = clip
        .samples
        .chunks(160)
        .map(|part| part.iter().fold(0.0f32, |largest, sample| largest.max(sample.abs())))
        .collect();
    let envelope = Envelope {
        amplitudes: &amplitudes,
        step_samples: 160,
        threshold_dbfs: -40.0,
        removed: std::slice::from_ref(&(0..16_000)),
    };
    let picture = draw_envelope(signal(&clip), &envelope, &Sheet::titled("trimmed")).unwrap();
    let svg = svg_of(&picture);
    let removed = "removed by trimming: 1.00 of 2.00 s";
    shows(&svg, &["threshold −40.0 dBFS", removed, "level (dBFS)", "amplitude", "time (s)"]);
    let pixels = pixels_of(&picture);
    let x = |text: &str| place_of(&svg, text).unwrap().0;
    let y = (place_of(&svg, "0.5").unwrap().1 + place_of(&svg, "1.0").unwrap().1) / 2.0 - 3.0;
    let at = |share: f64| {
        let x = x("0.0") + 7.0 + (x("2.0") - x("0.0") - 14.0) * share;
        pixels.at(x as u32, y as u32)
    };
    assert_ne!(at(0.1), [255; 3]);
    assert_eq!(at(0.9), [255; 3]);
}

fn brightness(colour: [u8; 3]) -> u32 {
    colour.iter().map(|&channel| u32::from(channel)).sum()
}

#[test]
fn a_tone_is_bright_at_its_own_frequency_and_dark_elsewhere() {
    let spec = FrontEndSpec::standard().unwrap();
    for (hz, text) in [(300.0, "300"), (1000.0, "1000"), (5000.0, "5000")] {
        let mel = MelFrames::compute(&tone(hz, 2.0), &spec, None).unwrap();
        let picture = draw_spectrogram(&mel, &Sheet::titled("tone")).unwrap();
        let svg = svg_of(&picture);
        shows(&svg, &["frequency (Hz)", "time (s)", "level (dB), re power 1", "0.0", "2.0"]);
        assert!(svg.contains("data:image/png;base64,"));
        let pixels = pixels_of(&picture);
        let x = (place_of(&svg, "1.0").unwrap().0 + 20.0) as u32;
        // below the title and above the numbers of the time axis
        let last = place_of(&svg, "1.0").unwrap().1 as u32 - 20;
        let painted = (40..last).filter(|&y| pixels.at(x, y) != [255; 3]);
        let brightest = painted.max_by_key(|&y| brightness(pixels.at(x, y)));
        let expected = place_of(&svg, text).unwrap().1;
        let off = (f64::from(brightest.unwrap()) - expected).abs();
        assert!(off < 8.0, "{hz} Hz is brightest {off} pixels from its place");
    }
}

#[test]
fn frames_are_those_of_the_front_end_also_normalised_and_of_a_clip_too_short_for_one() {
    let spec = FrontEndSpec::standard().unwrap();
    let mel = MelFrames::compute(&tone(1000.0, 1.0), &spec, None).unwrap();
    assert_eq!((mel.frames(), mel.mel_bands), (1 + (16_000 - 1024) / 320, 64));
    let normaliser = Normaliser { mean: vec![-40.0; 64], deviation: vec![10.0; 64] };
    let normalised = MelFrames::compute(&tone(1000.0, 1.0), &spec, Some(&normaliser)).unwrap();
    for (value, level) in normalised.values.iter().zip(&mel.values) {
        assert!((value - (level + 40.0) / 10.0).abs() < 1e-4);
    }
    let svg = svg_of(&draw_spectrogram(&normalised, &Sheet::default()).unwrap());
    shows(&svg, &["deviations from the mean"]);
    for hz in [16_000, 44_100, 8_000] {
        let short = Clip { sample_rate: SampleRate::new(hz).unwrap(), samples: vec![0.1; 30] };
        assert_eq!(MelFrames::compute(&short, &spec, None).unwrap().frames(), 1, "{hz}");
    }
    let empty = Clip { sample_rate: rate(), samples: Vec::new() };
    let error = MelFrames::compute(&empty, &spec, None).unwrap_err();
    assert!(matches!(error, PlotError::Empty { .. }));
    assert!(matches!(
        draw_waveform(signal(&empty), &Sheet::default()),
        Err(PlotError::Empty { .. })
    ));
}

fn window(start_sample: u64, end_sample: u64, scores: &[(&str, f32)]) -> Record {
    let scores = scores
        .iter()
        .map(|&(label, score)| LabelScore { label: Arc::from(label), score })
        .collect();
    Record::Window(WindowRecord {
        time: Default::default(),
        source: "".into(),
        start_sample: SampleIndex(start_sample),
        end_sample: SampleIndex(end_sample),
        scores,
        level_dbfs: -20.0,
        padded_samples: 0,
        latency_us: 0,
        reasons: Vec::new(),
    })
}

fn offset(label: &str, start_sample: u64, end_sample: u64) -> Record {
    Record::Event(EventRecord {
        phase: EventPhase::Offset { end_sample: SampleIndex(end_sample), peak_score: 0.9 },
        id: 1,
        label: Arc::from(label),
        time: Default::default(),
        source: "".into(),
        start_sample: SampleIndex(start_sample),
    })
}

#[test]
fn labels_with_events_come_first_and_scores_stand_for_what_was_new_in_their_window() {
    let records = [
        window(0, 16_000, &[("dog", 0.2), ("cat", 0.7), ("cow", 0.8)]),
        window(8_000, 24_000, &[("dog", 0.6), ("cat", 0.1), ("cow", 0.1)]),
        offset("dog", 16_000, 24_000),
    ];
    let rows = LabelRow::from_records(&records, rate(), 2);
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["dog", "cow"]);
    let spans: Vec<(f64, f64)> =
        rows[0].scores.iter().map(|span| (span.start_s, span.end_s)).collect();
    assert_eq!(spans, [(0.0, 1.0), (1.0, 1.5)]);
    assert_eq!(rows[0].events, [(1.0, 1.5)]);
}

#[test]
fn a_timeline_stacks_waveform_spectrogram_and_labels_over_the_same_seconds() {
    let clip = tone(1000.0, 2.0);
    let mel = MelFrames::compute(&clip, &FrontEndSpec::standard().unwrap(), None).unwrap();
    let records = [
        window(0, 16_000, &[("dog", 0.0), ("a & b <c>", 0.1)]),
        window(0, 32_000, &[("dog", 1.0), ("a & b <c>", 0.1)]),
    ];
    let rows = LabelRow::from_records(&records, rate(), 5);
    let picture = draw_timeline(signal(&clip), &mel, &rows, &Sheet::titled("heard")).unwrap();
    let svg = svg_of(&picture);
    shows(&svg, &["heard", "amplitude", "frequency (Hz)", "time (s)", "dog", "event", "score"]);
    shows(&svg, &["a &amp; b &lt;c&gt;", "0.0", "2.0"]);
    let pixels = pixels_of(&picture);
    let row = place_of(&svg, "dog").unwrap().1 as u32;
    // amplitude and score have the same numbers, and are drawn before the time below the rows
    let middle = last_place_of(&svg, "1.0").unwrap().0;
    let (before, after) = (pixels.at(middle as u32 - 20, row), pixels.at(middle as u32 + 20, row));
    // nothing is white, certainty is dark
    assert!(brightness(before) > 700 && brightness(after) < 300, "{before:?} {after:?}");
}
