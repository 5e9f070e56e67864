//! Scenes: what is where, exact to the sample; how loud it is; the same again from the same seed.

use std::time::Duration;

use tympan::domain::Clip;
use tympan::evaluation::EvaluationError;
use tympan::evaluation::streaming::{Scene, ScenePiece, SceneSpec, scene_groups};

use super::{noise, rate, tone};

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// Clips 40 dB above a background at −80 dBFS: what is loud is clip.
fn clear(seed: u64) -> SceneSpec {
    SceneSpec {
        background_dbfs: -80.0..=-80.0,
        snr_db: 40.0..=40.0,
        ..SceneSpec::new(rate(16_000), seed)
    }
}

fn build(spec: &SceneSpec, clips: &[(Clip, Option<usize>)]) -> Scene {
    let pieces: Vec<ScenePiece<'_>> =
        clips.iter().map(|(clip, label)| ScenePiece { clip, label: *label }).collect();
    Scene::build(spec, &pieces, &[noise(16_000, 50_000, 0.1)]).unwrap()
}

#[test]
fn events_stand_where_the_sound_is_to_the_sample() {
    let clips = [
        (tone(16_000, 440.0, [8_000, 16_000, 24_000]), Some(1)),
        (tone(16_000, 440.0, [0, 3_200, 0]), None),
        (tone(16_000, 440.0, [640, 6_400, 0]), Some(0)),
    ];
    let scene = build(&clear(5), &clips);
    assert_eq!(scene.events.iter().map(|event| event.label).collect::<Vec<_>>(), [1, 0]);
    let event = scene.events[0];
    let (start, end) = (event.start_sample.0 as usize, event.end_sample.0 as usize);
    assert_eq!(end - start, 16_000);
    let loud = |sample: &f32| sample.abs() > 0.002;
    let samples = &scene.clip.samples;
    assert!(!samples[..start].iter().any(loud));
    assert!(loud(&samples[start]) && samples[end - 20..end].iter().any(loud));
    let second = scene.events[1].start_sample.0 as usize;
    // the one without a label sounds between the two, and makes no event
    assert!(samples[end + 24_000..second - 640].iter().any(loud));
    assert!(!samples[end..end + 24_000 + 2 * 16_000].iter().any(loud));
    // pauses of two seconds at least, before the first and after the last as well
    assert!(
        start - 8_000 >= 32_000 && samples.len() - scene.events[1].end_sample.0 as usize >= 32_000
    );
}

#[test]
fn a_clip_of_another_rate_keeps_its_place_and_length() {
    for hz in [8_000, 44_100, 48_000] {
        let second = hz as usize;
        let spec = SceneSpec { pause_s: 3.0..=3.0, ..clear(1) };
        let scene = build(&spec, &[(tone(hz, 440.0, [second / 2, second, second]), Some(0))]);
        let event = scene.events[0];
        // within a block of 20 ms: the resampler rings a little before and after
        assert!(event.start_sample.0.abs_diff(3 * 16_000 + 8_000) <= 320, "{hz} Hz: {event:?}");
        assert!(event.end_sample.0.abs_diff(3 * 16_000 + 24_000) <= 320, "{hz} Hz: {event:?}");
        let twelve = 3 * 16_000 + 40_000 + 3 * 16_000;
        assert_eq!(scene.clip.samples.len(), twelve, "{hz} Hz");
    }
}

#[test]
fn clips_stand_as_far_above_the_background_as_specified() {
    let quiet = tone(16_000, 440.0, [4_000, 32_000, 0]);
    let loud = Clip { samples: quiet.samples.iter().map(|it| it * 3.0).collect(), ..quiet.clone() };
    let spec = SceneSpec { background_dbfs: -40.0..=-30.0, ..SceneSpec::new(rate(16_000), 2) };
    let scene = build(&spec, &[(quiet, Some(0)), (loud, Some(1))]);
    assert_ne!(scene.events[0].snr_db, scene.events[1].snr_db);
    for event in &scene.events {
        assert!((6.0..=20.0).contains(&event.snr_db));
        let (start, end) = (event.start_sample.0 as usize, event.end_sample.0 as usize);
        let background = power(&scene.clip.samples[start - 4_000..start - 400]);
        assert!((-41.0..=-29.0).contains(&db(background)), "{}", db(background));
        // the background piece may change level within the clip, so it is measured just before
        let clip = power(&scene.clip.samples[start..start + 8_000]) - background;
        assert!((db(clip / background) - f64::from(event.snr_db)).abs() < 0.7, "{event:?}");
        assert!(end <= scene.clip.samples.len());
    }
}

#[test]
fn the_same_seed_gives_the_same_samples_and_another_does_not() {
    let clips = [(tone(16_000, 440.0, [0, 16_000, 0]), Some(0))];
    let of = |seed| build(&SceneSpec::new(rate(16_000), seed), &clips);
    assert_eq!(of(3), of(3));
    let (one, other) = (of(3), of(4));
    assert_ne!(one.events, other.events);
    assert_ne!(one.clip.samples, other.clip.samples);
}

#[test]
fn background_alone_lasts_as_long_as_asked_without_a_break() {
    let spec = SceneSpec {
        background_dbfs: -40.0..=-40.0,
        ..SceneSpec::without_classes(rate(16_000), Duration::from_secs(30), 1)
    };
    let background =
        [noise(16_000, 70_000, 0.001), noise(44_100, 100_000, 0.5), noise(16_000, 9, 0.0)];
    let scene = Scene::build(&spec, &[], &background).unwrap();
    assert_eq!((scene.clip.samples.len(), scene.events.len()), (30 * 16_000, 0));
    for (index, part) in scene.clip.samples.chunks(1_600).enumerate() {
        let level = db(power(part));
        assert!((-42.0..=-38.0).contains(&level), "{level} dBFS at {} s", index as f64 / 10.0);
    }
}

#[test]
fn a_silent_clip_is_left_out_and_silence_is_no_background() {
    let silent = tone(16_000, 440.0, [16_000, 0, 0]);
    assert!(build(&clear(1), &[(silent.clone(), Some(0))]).events.is_empty());
    let refused = Scene::build(&clear(1), &[], &[silent]);
    assert!(matches!(refused, Err(EvaluationError::NoBackground { pieces: 1 })));
    let refused = Scene::build(&clear(1), &[], &[]);
    assert!(matches!(refused, Err(EvaluationError::NoBackground { pieces: 0 })));
}

#[test]
fn a_range_that_goes_down_is_refused_by_name() {
    let spec = SceneSpec { snr_db: 20.0..=6.0, ..clear(1) };
    let error = Scene::build(&spec, &[], &[noise(16_000, 900, 0.1)]).unwrap_err().to_string();
    assert!(error.contains("signal-to-noise ratio in dB is 20 to 6"), "{error}");
}

#[test]
fn clips_are_dealt_into_scenes_once_each_and_about_evenly() {
    let groups = scene_groups(130, 60, 1);
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [44, 44, 42]);
    let mut all = groups.concat();
    assert!(!all.is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..130).collect::<Vec<_>>());
    assert_eq!(scene_groups(130, 60, 1), groups);
    assert!(scene_groups(0, 60, 1).is_empty());
}
