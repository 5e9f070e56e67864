//! Cleaning: levels reach their target, silence goes and sound stays, parts are cut to the sample.

use std::time::Duration;

use tympan::domain::{Clip, SampleRate};
use tympan::dsp::{EnvelopeSpec, EnvelopeStatistic};
use tympan::offline::{
    CleaningSpec, ClipNormalisation, ClipSpan, DatasetClip, load_clean_clip, normalise_clip,
};

use super::{Folder, says, tone};

fn clip_of(folder: &Folder, samples: &[f32]) -> DatasetClip {
    let path = folder.wav("a.wav", samples);
    DatasetClip { path, label: 0, fold: None, group: None, span: None }
}

fn clip(samples: Vec<f32>) -> Clip {
    Clip { sample_rate: SampleRate::new(8_000).unwrap(), samples }
}

fn loudness(clip: &Clip) -> f64 {
    let mut meter = ebur128::EbuR128::new(1, clip.sample_rate.hz(), ebur128::Mode::I).unwrap();
    meter.add_frames_f32(&clip.samples).unwrap();
    meter.loudness_global().unwrap()
}

#[test]
fn by_default_nothing_is_done_to_a_clip() {
    let folder = Folder::new();
    let mut samples = vec![0.0; 500];
    samples.extend(tone(0.25, 700));
    let loaded = load_clean_clip(&clip_of(&folder, &samples), &CleaningSpec::default()).unwrap();
    assert_eq!(loaded.samples, samples);
}

#[test]
fn silence_at_the_ends_goes_and_the_sound_stays() {
    let folder = Folder::new();
    // a square wave: its amplitude is everywhere the same, so the edge of the sound is sharp
    let sound: Vec<f32> = (0..4_000).map(|at| if at % 20 < 10 { 0.5 } else { -0.5 }).collect();
    let samples = [vec![0.0; 3_000], sound.clone(), vec![0.0; 5_000]].concat();
    let statistic = EnvelopeStatistic::Maximum;
    let clip = clip_of(&folder, &samples);
    for (samples_of_window, kept_before, kept_after) in [(1, 0, 0), (80, 39, 40), (81, 40, 40)] {
        let window = Duration::from_micros(125 * samples_of_window);
        let trim = EnvelopeSpec { threshold_dbfs: -40.0, window, statistic };
        let cleaning = CleaningSpec { trim: Some(trim), ..CleaningSpec::default() };
        let kept = load_clean_clip(&clip, &cleaning).unwrap().samples;
        assert_eq!(kept.len(), kept_before + sound.len() + kept_after);
        assert_eq!(kept[kept_before..kept_before + sound.len()], sound);
    }
    // by the mean the edge is where the window is half full of 0.5: less than a window away
    let cleaning = CleaningSpec { trim: Some(EnvelopeSpec::default()), ..CleaningSpec::default() };
    let kept = load_clean_clip(&clip, &cleaning).unwrap().samples;
    assert!((sound.len()..=sound.len() + 800).contains(&kept.len()), "{} kept", kept.len());
}

#[test]
fn a_clip_of_which_nothing_is_left_is_a_fault() {
    let folder = Folder::new();
    let clip = clip_of(&folder, &tone(0.000_5, 8_000));
    let cleaning = CleaningSpec { trim: Some(EnvelopeSpec::default()), ..CleaningSpec::default() };
    let fault = load_clean_clip(&clip, &cleaning).unwrap_err().to_string();
    says(&fault, &["a.wav", "nothing is left", "-60 dBFS"]);
    // the level comes first: the same clip at an audible level is kept
    let cleaning = CleaningSpec { normalise: ClipNormalisation::Peak, ..cleaning };
    assert_eq!(load_clean_clip(&clip, &cleaning).unwrap().samples.len(), 8_000);
}

#[test]
fn a_peak_is_brought_to_one_decibel_below_full_scale() {
    let mut quiet = clip(tone(0.01, 4_000));
    quiet.samples[7] = f32::NAN;
    normalise_clip(&mut quiet, ClipNormalisation::Peak);
    let peak = quiet.samples.iter().fold(0.0f32, |peak, it| peak.max(it.abs()));
    assert!((20.0 * peak.log10() + 1.0).abs() < 1e-3, "{peak}");
    assert_eq!(quiet.samples[7], 0.0);
    let mut silent = clip(vec![0.0; 100]);
    normalise_clip(&mut silent, ClipNormalisation::Peak);
    assert_eq!(silent.samples, [0.0; 100]);
}

#[test]
fn loudness_reaches_its_target_whatever_the_padding() {
    for amplitude in [0.001, 0.05, 1.0] {
        let padded = [tone(amplitude, 24_000), vec![0.0; 40_000]].concat();
        for samples in [tone(amplitude, 24_000), padded] {
            let mut clip = clip(samples);
            let before = loudness(&clip);
            normalise_clip(&mut clip, ClipNormalisation::Loudness);
            let after = loudness(&clip);
            assert!((before + 23.0).abs() > 1.0 && (after + 23.0).abs() < 0.1, "{before} {after}");
        }
    }
}

#[test]
fn short_and_silent_clips_have_a_loudness_or_stay() {
    // 50 ms, for which the standard has no loudness, comes to the level of the same sound at length
    let (mut short, mut long) = (clip(tone(0.02, 400)), clip(tone(0.02, 24_000)));
    normalise_clip(&mut short, ClipNormalisation::Loudness);
    normalise_clip(&mut long, ClipNormalisation::Loudness);
    let apart = 20.0 * (short.samples[3] / long.samples[3]).abs().log10();
    assert!(apart.abs() < 0.3, "{apart} dB apart");
    for samples in [vec![0.0; 8_000], vec![], tone(1e-6, 8_000)] {
        let mut silent = clip(samples.clone());
        normalise_clip(&mut silent, ClipNormalisation::Loudness);
        assert_eq!(silent.samples, samples);
    }
}

#[test]
fn a_part_is_cut_to_the_sample_and_one_beyond_the_end_is_a_fault() {
    let folder = Folder::new();
    let ramp: Vec<f32> = (0..8_000).map(|at| at as f32 / 8_000.0).collect();
    let whole = clip_of(&folder, &ramp);
    let part = |start: u64, end: Option<u64>| {
        let end = end.map(Duration::from_millis);
        let span = Some(ClipSpan { start: Duration::from_millis(start), end });
        load_clean_clip(&DatasetClip { span, ..whole.clone() }, &CleaningSpec::default())
    };
    assert_eq!(part(250, Some(500)).unwrap().samples, ramp[2_000..4_000]);
    assert_eq!(part(250, None).unwrap().samples, ramp[2_000..]);
    // a table that rounds up by a little means the end
    assert_eq!(part(0, Some(1_010)).unwrap().samples, ramp);
    says(&part(0, Some(1_500)).unwrap_err().reason, &["ends at 1.500 s", "1.000 s"]);
    says(&part(1_000, None).unwrap_err().reason, &["begins at 1.000 s"]);
}

#[test]
fn cleaning_is_written_as_people_read_it() {
    let text = "normalise = \"loudness\"\n\n[trim]\nthreshold_dbfs = -50.0\nwindow_ms = 100.0\nstatistic = \"mean\"\n";
    let cleaning: CleaningSpec = toml::from_str(text).unwrap();
    assert_eq!(cleaning.normalise, ClipNormalisation::Loudness);
    assert_eq!(toml::to_string(&cleaning).unwrap(), text);
    assert_eq!(toml::from_str::<CleaningSpec>("").unwrap(), CleaningSpec::default());
    assert!(toml::from_str::<CleaningSpec>("normalize = \"peak\"").is_err());
}
