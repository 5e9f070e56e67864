//! Each change of a window does what it says: how loud, where, how much.

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use tympan::features::Normaliser;
use tympan::training::{AugmentSpec, Augmenter, ClipFeatures};

const FRAMES: usize = 10;
const BANDS: usize = 6;
const FLOOR: f32 = -100.0;

fn normaliser() -> Normaliser {
    Normaliser { mean: vec![0.0; BANDS], deviation: vec![1.0; BANDS] }
}

/// A clip whose value at frame f and band b is f + b / 10, in dB, every frame of the same power.
fn ramp(frames: usize) -> ClipFeatures {
    let values = (0..frames).flat_map(|f| (0..BANDS).map(move |b| f as f32 + b as f32 / 10.0));
    ClipFeatures { label: Some(0), log_mel: values.collect(), powers: vec![0.01; frames] }
}

fn flat(db: f32, power: f32, frames: usize) -> ClipFeatures {
    ClipFeatures { label: None, log_mel: vec![db; frames * BANDS], powers: vec![power; frames] }
}

fn with<T>(
    spec: &AugmentSpec,
    seed: u64,
    work: impl FnOnce(&Augmenter<'_>, &mut ChaCha12Rng) -> T,
) -> T {
    let normaliser = normaliser();
    let augmenter =
        Augmenter { spec, normaliser: &normaliser, window_frames: FRAMES, floor_db: FLOOR };
    work(&augmenter, &mut ChaCha12Rng::seed_from_u64(seed))
}

#[test]
fn without_any_change_a_window_is_the_clip_s_own_frames() {
    let clip = ramp(30);
    let (window, power) = with(&AugmentSpec::none(), 1, |it, random| {
        let (mut window, power) = it.window(&clip, &[7], random);
        it.record(&mut window, power, &[], random);
        (window, power)
    });
    assert!((power - 0.01).abs() < 1e-6);
    assert_eq!(window, clip.log_mel[7 * BANDS..17 * BANDS]);
}

#[test]
fn gain_is_the_same_everywhere_and_within_its_range() {
    let spec = AugmentSpec { gain_low_db: -20.0, gain_high_db: 6.0, ..AugmentSpec::none() };
    for seed in 0..50 {
        let mut window = vec![-30.0; FRAMES * BANDS];
        with(&spec, seed, |it, random| it.change_loudness(&mut window, (-20.0, 6.0), random));
        let gain = window[0] + 30.0;
        assert!((-20.0..=6.0).contains(&gain));
        assert!(window.iter().all(|value| *value == window[0]));
    }
}

#[test]
fn no_gain_goes_below_the_floor() {
    let mut window = vec![-95.0; FRAMES * BANDS];
    with(&AugmentSpec::none(), 1, |it, random| {
        it.change_loudness(&mut window, (-20.0, -19.0), random);
    });
    assert!(window.iter().all(|value| *value == FLOOR));
}

#[test]
fn equalisation_differs_smoothly_from_band_to_band_and_not_from_frame_to_frame() {
    let spec = AugmentSpec { equalise_db: 8.0, ..AugmentSpec::none() };
    let mut differing = 0;
    for seed in 0..20 {
        let mut window = vec![-30.0; FRAMES * BANDS];
        with(&spec, seed, |it, random| it.change_loudness(&mut window, (0.0, 0.0), random));
        let curve = &window[..BANDS];
        assert!(curve.iter().all(|value| (value + 30.0).abs() <= 8.0 + 1e-4), "{curve:?}");
        assert!(window.chunks_exact(BANDS).all(|frame| frame == curve));
        differing += usize::from(curve.iter().any(|value| (value - curve[0]).abs() > 0.5));
    }
    assert!(differing > 10, "{differing} of 20 curves are curved");
}

#[test]
fn stretching_reads_faster_or_slower_and_stays_within_the_clip() {
    let spec = AugmentSpec { time_stretch: 0.3, ..AugmentSpec::none() };
    let clip = ramp(40);
    let (mut slowest, mut fastest) = (f32::INFINITY, 0.0f32);
    for seed in 0..50 {
        // the last window: a faster one has to begin earlier
        let window = with(&spec, seed, |it, random| it.stretch(&clip, 30, random));
        assert_eq!(window.len(), FRAMES * BANDS);
        let steps: Vec<f32> = window
            .chunks_exact(BANDS)
            .map(|f| f[0])
            .collect::<Vec<_>>()
            .windows(2)
            .map(|p| p[1] - p[0])
            .collect();
        assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-3), "{steps:?}");
        assert!(window.iter().all(|value| (0.0..=39.5 + 1e-3).contains(value)));
        slowest = slowest.min(steps[0]);
        fastest = fastest.max(steps[0]);
    }
    assert!(
        (0.7..0.8).contains(&slowest) && (1.2..=1.301).contains(&fastest),
        "{slowest} {fastest}"
    );
}

#[test]
fn a_clip_of_one_window_is_shifted_and_silence_fills_up() {
    let spec = AugmentSpec { time_shift: 4, ..AugmentSpec::none() };
    let clip = ramp(FRAMES);
    let mut shifts = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let window = with(&spec, seed, |it, random| it.stretch(&clip, 0, random));
        let silent = window.chunks_exact(BANDS).filter(|frame| frame[0] == FLOOR).count();
        let is_later = window[0] == FLOOR;
        shifts.insert(if is_later { silent as i64 } else { -(silent as i64) });
        // what is left is the clip's own frames, in order
        let first = if is_later { silent } else { 0 };
        let from = if is_later { 0 } else { silent };
        assert_eq!(window[first * BANDS], clip.log_mel[from * BANDS]);
    }
    assert_eq!(shifts, (-4..=4).collect());
    let long = ramp(FRAMES + 1);
    let window = with(&spec, 3, |it, random| it.stretch(&long, 0, random));
    assert_eq!(window, long.log_mel[..FRAMES * BANDS]);
}

#[test]
fn background_is_added_as_power_so_far_below_the_sound() {
    let spec = AugmentSpec { snr_low_db: 10.0, snr_high_db: 10.0, ..AugmentSpec::none() };
    // the sound's power is 0.01 and −20 dB in every band, the background's 0.1 and −50 dB
    let mut window = vec![-20.0; FRAMES * BANDS];
    let pieces = [flat(-50.0, 0.1, 4), flat(-50.0, 0.1, 25)];
    with(&spec, 1, |it, random| it.add_background(&mut window, 0.01, &pieces, random));
    // brought 10 dB below the sound the background gets −20 dB of gain: −70 dB, next to nothing beside −20 dB
    assert!(window.iter().all(|value| (value + 20.0).abs() < 1e-3), "{window:?}");
    let mut silence = vec![FLOOR; FRAMES * BANDS];
    with(&spec, 1, |it, random| it.add_background(&mut silence, 0.01, &pieces, random));
    assert!(silence.iter().all(|value| (value + 70.0).abs() < 0.01), "{silence:?}");
    // as loud as the sound: twice the power, 3 dB
    let spec = AugmentSpec { snr_low_db: 0.0, snr_high_db: 0.0, ..AugmentSpec::none() };
    let mut window = vec![-20.0; FRAMES * BANDS];
    with(&spec, 1, |it, random| {
        it.add_background(&mut window, 0.01, &[flat(-20.0, 0.01, 9)], random);
    });
    assert!(window.iter().all(|value| (value + 16.99).abs() < 0.01), "{window:?}");
}

#[test]
fn masks_are_whole_bands_and_whole_frames_of_the_mean() {
    let spec = AugmentSpec { masks: 1, mask_bands: 2, mask_frames: 3, ..AugmentSpec::none() };
    let mut masked = 0;
    for seed in 0..30 {
        let mut window = vec![1.0; FRAMES * BANDS];
        with(&spec, seed, |it, random| it.shift_and_mask(&mut window, random));
        let frames = window.chunks_exact(BANDS).filter(|frame| frame.iter().all(|v| *v == 0.0));
        let frames = frames.count();
        let bands = (0..BANDS)
            .filter(|band| window.iter().skip(*band).step_by(BANDS).all(|v| *v == 0.0))
            .count();
        assert!(frames <= 3 && bands <= 2);
        let zeros = window.iter().filter(|value| **value == 0.0).count();
        assert_eq!(zeros, frames * BANDS + bands * FRAMES - frames * bands);
        masked += usize::from(zeros > 0);
    }
    assert!(masked > 20);
}

#[test]
fn a_band_shift_moves_every_frame_alike_and_repeats_the_edge() {
    let spec = AugmentSpec { band_shift: 2, ..AugmentSpec::none() };
    let mut shifts = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut window: Vec<f32> = (0..FRAMES).flat_map(|_| (0..BANDS).map(|b| b as f32)).collect();
        with(&spec, seed, |it, random| it.shift_and_mask(&mut window, random));
        let frame = window[..BANDS].to_vec();
        assert!(window.chunks_exact(BANDS).all(|other| other == frame));
        assert!(frame.windows(2).all(|pair| (0.0..=1.0).contains(&(pair[1] - pair[0]))));
        shifts.insert((frame[2] - 2.0) as i64);
    }
    assert_eq!(shifts, (-2..=2).collect());
}

#[test]
fn sounds_are_mixed_by_power_and_the_louder_one_has_the_larger_share() {
    let spec = AugmentSpec::none();
    let mut shares = Vec::new();
    for seed in 0..100 {
        // the second sound is 20 dB weaker as recorded, which says nothing of how it is mixed
        let (mut window, other) = (vec![-20.0; FRAMES * BANDS], vec![-40.0; FRAMES * BANDS]);
        let share =
            with(&spec, seed, |it, random| it.mix((&mut window, 0.01), (&other, 0.0001), random));
        // what the other one added: its power against that of the first
        let added = 10f32.powf((window[0] + 20.0) / 10.0) - 1.0;
        let level_db = 10.0 * added.log10();
        assert!((-12.01..=12.01).contains(&level_db), "{level_db}");
        assert!(window.iter().all(|value| (value - window[0]).abs() < 1e-3));
        assert_eq!(share > 0.5, level_db < 0.0, "{share} of the first at {level_db} dB");
        shares.push(share);
    }
    assert!(shares.iter().any(|it| *it > 0.9) && shares.iter().any(|it| *it < 0.1), "{shares:?}");
}

#[test]
fn of_a_late_onset_only_the_end_of_the_window_sounds() {
    const LONG: usize = 60;
    let (spec, normaliser) = (AugmentSpec { late_onset: 1.0, ..AugmentSpec::none() }, normaliser());
    let augmenter =
        Augmenter { spec: &spec, normaliser: &normaliser, window_frames: LONG, floor_db: FLOOR };
    let clip = ramp(2 * LONG);
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let (window, _) = augmenter.window(&clip, &[3], &mut ChaCha12Rng::seed_from_u64(seed));
        let silent = window.chunks_exact(BANDS).take_while(|it| it.iter().all(|v| *v == FLOOR));
        let silent = silent.count();
        // what sounds is where it was, and at least 20 frames of it
        assert_eq!(
            window[silent * BANDS..],
            clip.log_mel[(3 + silent) * BANDS..(3 + LONG) * BANDS]
        );
        lengths.insert(LONG - silent);
    }
    assert!(lengths.len() > 15 && lengths.first() >= Some(&20), "{lengths:?}");
}

#[test]
fn a_mixed_style_takes_mean_and_deviation_of_each_band_from_another_window_in_part() {
    let spec = AugmentSpec::none();
    let statistics = |window: &[f32], band: usize| {
        let values: Vec<f32> = window.iter().skip(band).step_by(BANDS).copied().collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f32>();
        (mean, (variance / values.len() as f32).sqrt())
    };
    let wave = |scale: f32, mean: f32| -> Vec<f32> {
        (0..FRAMES * BANDS).map(|i| mean + scale * ((i / BANDS) as f32).sin()).collect()
    };
    for seed in 0..20 {
        let (mut window, other) = (wave(1.0, 0.0), wave(3.0, 2.0));
        with(&spec, seed, |it, random| it.mix_style(&mut window, &other, random));
        let (mean, deviation) = statistics(&window, 2);
        let (own_mean, own) = statistics(&wave(1.0, 0.0), 2);
        let (other_mean, others) = statistics(&other, 2);
        // the same share of both, somewhere in between
        let (by_mean, by_deviation) =
            ((mean - own_mean) / (other_mean - own_mean), (deviation - own) / (others - own));
        assert!((-0.001..=1.001).contains(&by_mean), "{by_mean}");
        assert!((by_mean - by_deviation).abs() < 1e-3, "{by_mean} {by_deviation}");
    }
}
