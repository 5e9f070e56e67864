//! A peal of church bells: several strike in turn and ring on, each with a bell's inharmonic partials. Rendered into the
//! soundscape.

use std::f32::consts::TAU;

use super::voice::{OnePole, Partial, Voice};
use crate::dsp::SplitMix64;

/// Partials of a minor-third bell: ratio to the prime, loudness, seconds of decay.
///
/// # Source
/// Ratios of the first nine: Fletcher and Rossing, "The Physics of Musical Instruments", 2nd edition, chapter 21: hum,
/// prime, tierce, quint, nominal, then the deciem, undeciem, duodeciem and the double octave. The five above follow the
/// same series of rim partials; loudness and decay are by ear.
const PARTIALS: [(f32, f32, f32); 14] = [
    (0.5, 0.55, 8.0),
    (1.0, 0.7, 6.0),
    (1.19, 0.75, 5.0),
    (1.5, 0.3, 3.5),
    (2.0, 1.0, 4.0),
    (2.51, 0.35, 2.5),
    (2.66, 0.3, 2.3),
    (3.01, 0.5, 2.3),
    (4.17, 0.45, 1.8),
    (5.43, 0.35, 1.5),
    (6.79, 0.3, 1.3),
    (8.21, 0.25, 1.0),
    (9.7, 0.2, 0.9),
    (11.2, 0.16, 0.8),
];

/// The primes of the bells, in the order they strike.
const BELLS_HZ: [f32; 3] = [392.0, 440.0, 523.3];

/// No casting is quite round: each partial is a pair this far apart on either side, in Hz, which beats slowly.
const OUT_OF_ROUND_HZ: f32 = 0.35;

/// How far a bell's partials stray from the table's ratios, as a ratio.
const STRAY: f32 = 0.004;

/// Seconds between strokes; how late the ringer may be; for how long they have been ringing when the clip begins.
const STROKE_SECONDS: f32 = 0.35;
const LATE_SECONDS: f32 = 0.06;
const RINGING_SECONDS: f32 = 1.5;

/// The air between the tower and us, which sounds too: its noise is below this, and this loud.
const AIR_TO_HZ: f32 = 3_000.0;
const AIR_GAIN: f32 = 0.3;

pub(super) struct ChurchBells;

impl Voice for ChurchBells {
    fn label(&self) -> &'static str {
        "church_bells"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let strokes: Vec<Vec<f32>> =
            BELLS_HZ.iter().map(|&prime_hz| stroke(prime_hz, rate_hz, prng, into.len())).collect();
        let seconds = into.len() as f32 / rate_hz + RINGING_SECONDS;
        let mut distance = OnePole::new(6_000.0, rate_hz);
        for index in 0..(seconds / STROKE_SECONDS) as usize {
            let bell = &strokes[index % strokes.len()];
            let late = prng.between(0.0, LATE_SECONDS);
            let at = STROKE_SECONDS * index as f32 + late - RINGING_SECONDS;
            let force = prng.between(0.7, 1.0);
            let offset = (at.abs() * rate_hz) as usize;
            let (skipped, waited) = if at < 0.0 { (offset, 0) } else { (0, offset) };
            for (out, sample) in into.iter_mut().skip(waited).zip(bell.iter().skip(skipped)) {
                *out += force * sample;
            }
        }
        let mut air = OnePole::new(AIR_TO_HZ, rate_hz);
        for sample in into.iter_mut() {
            *sample = distance.low(*sample) + AIR_GAIN * air.low(prng.noise());
        }
    }
}

/// One stroke of one bell, left to ring.
fn stroke(prime_hz: f32, rate_hz: f32, prng: &mut SplitMix64, samples: usize) -> Vec<f32> {
    let mut sound = vec![0.0; samples];
    for (ratio, amplitude, decay) in PARTIALS {
        for apart in [-OUT_OF_ROUND_HZ, OUT_OF_ROUND_HZ] {
            let hz = prime_hz * ratio * prng.between(1.0 - STRAY, 1.0 + STRAY) + apart;
            Partial { hz, amplitude, decay }.strike(rate_hz, prng.between(0.0, TAU), &mut sound);
        }
    }
    sound
}
