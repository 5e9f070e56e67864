//! Church bells: two of them ringing in turn, each with a bell's own inharmonic partials. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::prng::SplitMix64;
use super::voice::{OnePole, Partial, Voice};

/// Partials of a minor-third bell: ratio to the prime, loudness, seconds of decay.
///
/// # Source
/// Fletcher and Rossing, "The Physics of Musical Instruments", 2nd edition, chapter 21: hum, prime, tierce, quint,
/// nominal, then the deciem, undeciem, duodeciem and the double octave.
const PARTIALS: [(f32, f32, f32); 9] = [
    (0.5, 0.55, 9.0),
    (1.0, 0.7, 6.0),
    (1.19, 0.75, 5.0),
    (1.5, 0.3, 3.5),
    (2.0, 1.0, 4.0),
    (2.51, 0.35, 2.0),
    (2.66, 0.3, 1.8),
    (3.01, 0.4, 1.6),
    (4.17, 0.35, 1.1),
];

/// The primes of the two bells, a fourth apart.
const BELLS_HZ: [f32; 2] = [392.0, 523.3];

/// Seconds between strokes.
const STROKE_SECONDS: f32 = 0.85;

pub(super) struct ChurchBells;

impl Voice for ChurchBells {
    fn label(&self) -> &'static str {
        "church_bells"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let strokes = (into.len() as f32 / rate_hz / STROKE_SECONDS).ceil() as usize;
        for stroke in 0..strokes {
            let seconds = STROKE_SECONDS * stroke as f32 + prng.between(0.0, 0.04);
            let begin = ((seconds * rate_hz) as usize).min(into.len());
            let force = prng.between(0.8, 1.0);
            let prime_hz = BELLS_HZ[stroke % BELLS_HZ.len()];
            strike(prime_hz, force, rate_hz, prng, &mut into[begin..]);
        }
    }
}

fn strike(prime_hz: f32, force: f32, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
    for (ratio, amplitude, decay) in PARTIALS {
        // Castings are never quite round: each partial is a pair that beats slowly.
        for detune in [-0.35, 0.35] {
            let hz = prime_hz * ratio + detune;
            let partial = Partial { hz, amplitude: 0.5 * amplitude * force, decay };
            partial.strike(rate_hz, prng.between(0.0, TAU), into);
        }
    }
    // the clapper
    let mut bright = OnePole::new(2_500.0, rate_hz);
    let knock = (0.012 * rate_hz) as usize;
    for (index, sample) in into.iter_mut().take(knock).enumerate() {
        let fall = 1.0 - index as f32 / knock as f32;
        *sample += 0.8 * force * fall * fall * bright.high(prng.noise());
    }
}
