//! Audio at any rate gives the mel frames that the model learned at 16 kHz.
//!
//! Held to `TOLERANCE_DB` in every band of every frame, with sound up to 7.4 kHz (or 0.4625 of a source's lower rate),
//! where the resampler's response begins to fall.

use std::f64::consts::PI;

use tympan::features::{FrontEnd, FrontEndSpec};

use super::rate;

/// The largest difference measured is 0.0013 dB, from 8 kHz; 0.0004 dB from the rates above 16 kHz.
const TOLERANCE_DB: f32 = 0.005;

/// Harmonics of 45 Hz up to `up_to_hz`, at phases that keep the peaks down: some fall into every band.
fn tone_complex(hz: u32, up_to_hz: f64, seconds: f64) -> Vec<f32> {
    let harmonics = (up_to_hz / 45.0) as u32;
    (0..(f64::from(hz) * seconds) as u32)
        .map(|index| {
            let t = f64::from(index) / f64::from(hz);
            let sum: f64 = (1..=harmonics)
                .map(f64::from)
                .map(|k| (2.0 * PI * 45.0 * k * t + PI * k * k / f64::from(harmonics)).sin())
                .sum();
            (0.01 * sum) as f32
        })
        .collect()
}

/// Log-mel frames of `samples`, by the front end that the shipped model has.
fn log_mel(hz: u32, samples: &[f32]) -> Vec<Vec<f32>> {
    let mut front_end = FrontEnd::new(&FrontEndSpec::standard().unwrap(), rate(hz)).unwrap();
    let mut frames = Vec::new();
    front_end.push(samples, &mut |frame| frames.push(frame.log_mel.to_vec()));
    front_end.flush(&mut |frame| frames.push(frame.log_mel.to_vec()));
    frames
}

/// The largest difference from the frames at 16 kHz, and where; the frames at both ends aside, where one of the two
/// resamplers meets the edge of the sound.
fn worst_difference(hz: u32, up_to_hz: f64) -> (f32, usize, usize) {
    let expected = log_mel(16_000, &tone_complex(16_000, up_to_hz, 0.5));
    let found = log_mel(hz, &tone_complex(hz, up_to_hz, 0.5));
    assert_eq!(found.len(), expected.len(), "{hz} Hz: frames");
    let mut worst = (0.0, 0, 0);
    let inner = 1..expected.len() - 1;
    for frame in inner {
        for (band, (found, expected)) in found[frame].iter().zip(&expected[frame]).enumerate() {
            // bands above the sound hold nothing but leakage: 60 dB below the loudest
            if *expected > -40.0 && (found - expected).abs() > worst.0 {
                worst = ((found - expected).abs(), frame, band);
            }
        }
    }
    worst
}

#[test]
fn the_same_sound_at_any_rate_is_nearly_the_same_frames() {
    for hz in [8_000, 11_025, 22_050, 37_800, 44_056, 44_100, 48_000, 96_000] {
        let (worst, frame, band) = worst_difference(hz, (0.4625 * f64::from(hz)).min(7_400.0));
        assert!(worst < TOLERANCE_DB, "{hz} Hz: {worst} dB off in frame {frame}, band {band}");
    }
}

#[test]
fn what_a_16_khz_recording_cannot_hold_is_not_classified_at_48_khz() {
    for tone_hz in [8_600.0, 9_500.0, 15_900.0, 17_000.0, 20_000.0, 23_900.0] {
        let tone: Vec<f32> = (0..24_000)
            .map(|index| (2.0 * PI * tone_hz * f64::from(index) / 48_000.0).sin() as f32)
            .collect();
        let frames = log_mel(48_000, &tone);
        // without the first and last frames, which hold the click of the tone's beginning and end
        let loudest = frames[1..frames.len() - 1].iter().flatten().copied().fold(-100.0, f32::max);
        // full scale in one band is about +30 dB with this front end's scaling
        assert!(loudest < -50.0, "{tone_hz} Hz: there at {loudest} dB");
    }
}
