//! A wailing siren in a street: a swept tone rich in harmonics, with echoes from the houses. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::prng::SplitMix64;
use super::voice::{OnePole, Voice};

/// Sweep of an electronic wail, in Hz, and the seconds one takes.
const LOW_HZ: f32 = 620.0;
const HIGH_HZ: f32 = 1_350.0;
const WAIL_SECONDS: f32 = 2.3;

/// Harmonics of a horn loudspeaker.
const HARMONICS: [f32; 7] = [1.0, 0.55, 0.42, 0.2, 0.14, 0.07, 0.04];

/// Echoes: seconds later, how loud. Incommensurate, so that they blur rather than beat.
const ECHOES: [(f32, f32); 5] =
    [(0.031, 0.32), (0.057, 0.26), (0.097, 0.2), (0.163, 0.15), (0.271, 0.1)];

pub(super) struct Siren;

impl Voice for Siren {
    fn label(&self) -> &'static str {
        "siren"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let begin = prng.between(0.0, 0.2);
        let mut phase = 0.0_f32;
        let mut warmth = OnePole::new(5_000.0, rate_hz);
        let dry: Vec<f32> = (0..into.len())
            .map(|index| {
                let wail = (index as f32 / rate_hz / WAIL_SECONDS + begin).fract();
                // up fast, down slowly, as the motor of a wail does
                let rise = if wail < 0.4 { wail / 0.4 } else { (1.0 - wail) / 0.6 };
                let eased = rise * rise * (3.0 - 2.0 * rise);
                let hz = LOW_HZ + (HIGH_HZ - LOW_HZ) * eased;
                phase = (phase + hz / rate_hz).fract();
                let tone: f32 = HARMONICS
                    .iter()
                    .enumerate()
                    .map(|(k, amplitude)| amplitude * (TAU * phase * (k + 1) as f32).sin())
                    .sum();
                warmth.low(tone + 0.02 * prng.noise())
            })
            .collect();
        into.copy_from_slice(&dry);
        for (seconds, gain) in ECHOES {
            let delay = (seconds * rate_hz) as usize;
            for (out, early) in into.iter_mut().skip(delay).zip(&dry) {
                *out += gain * early;
            }
        }
    }
}
