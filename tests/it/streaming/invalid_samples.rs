//! Samples that are no sound, and sound that is next to nothing.

use tympan::features::Normaliser;

use super::{Collector, RATES_HZ, noise, rate, small, windows_at_once};

#[test]
fn broken_samples_count_as_zero_and_are_counted() {
    let broken = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::MAX, -1_000.1];
    for hz in RATES_HZ {
        let mut zeroed = noise(hz as usize / 5);
        let mut invalid = zeroed.clone();
        let places = (11..zeroed.len()).step_by(97);
        for (place, &sample) in places.clone().zip(broken.iter().cycle()) {
            invalid[place] = sample;
            zeroed[place] = 0.0;
        }
        let mut collector = Collector::new(hz);
        collector.push(&invalid);
        collector.flush();
        assert_eq!(collector.windows, windows_at_once(hz, &zeroed), "{hz} Hz");
        assert_eq!(collector.featuriser.samples_repaired(), places.count() as u64, "{hz} Hz");
    }
}

#[test]
fn loud_but_possible_samples_are_left_alone() {
    let mut collector = Collector::new(16_000);
    collector.push(&[1.5, -4.0, 999.0, 0.0]);
    assert_eq!(collector.featuriser.samples_repaired(), 0);
}

/// Decibels of every band of every window of `samples`, and the windows' levels.
fn decibels(hz: u32, samples: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut spec = small();
    let bands = spec.front_end.mel_bands;
    spec.normaliser = Normaliser { mean: vec![0.0; bands], deviation: vec![1.0; bands] };
    let mut featuriser = tympan::features::Featuriser::new(&spec, rate(hz)).unwrap();
    let mut window = featuriser.empty_window();
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    featuriser.push(samples, tympan::features::Arrival::now(), &mut |mut ready| {
        ready.copy_into(&mut window);
        values.extend_from_slice(&window.values);
        levels.push(window.level_dbfs);
    });
    assert!(!levels.is_empty());
    (values, levels)
}

#[test]
fn silence_and_denormal_samples_are_exactly_the_floor() {
    for hz in RATES_HZ {
        for quiet in [0.0, -0.0, 1e-40, -1e-44, 1e-30] {
            let (values, levels) = decibels(hz, &vec![quiet; hz as usize / 5]);
            // 10·log10(1e-10)
            assert!(values.iter().all(|&value| value == -100.0), "{hz} Hz, samples of {quiet:e}");
            assert!(levels.iter().all(|&level| level == -120.0), "{hz} Hz, samples of {quiet:e}");
        }
    }
}

#[test]
fn a_sound_that_fades_into_nothing_leaves_no_denormal_values() {
    for hz in RATES_HZ {
        let mut gain = 1.0f32;
        let fade: Vec<f32> = noise(hz as usize / 2)
            .into_iter()
            .map(|sample| {
                // to zero through all of f32's range within a quarter of a second
                gain *= (-460.0 / hz as f32).exp();
                sample * gain
            })
            .collect();
        let (values, levels) = decibels(hz, &fade);
        assert!(values.iter().chain(&levels).all(|value| value.is_normal()), "{hz} Hz");
        assert!(values.iter().all(|&value| value >= -100.0), "{hz} Hz");
        let last = &values[values.len() - 20..];
        assert!(last.iter().all(|&value| value == -100.0), "{hz} Hz: {last:?}");
    }
}
