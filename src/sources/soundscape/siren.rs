//! An electronic wail on a street: a tone that climbs and falls, its echo, and the traffic. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::reverb::echo;
use super::voice::{OnePole, Voice};
use crate::dsp::SplitMix64;

/// Sweep of an electronic wail, in Hz, and the seconds one takes, up and down.
const LOW_HZ: f32 = 600.0;
const HIGH_HZ: f32 = 1_500.0;
const WAIL_SECONDS: f32 = 4.3;

/// The part of a wail that climbs.
const CLIMB: f32 = 0.5;

/// Overtones of the loudspeaker's tone: each is the multiple to this power as loud, 11 dB less an octave.
const OVERTONES: u8 = 12;
const OVERTONE_SLOPE: f32 = -1.8;

/// The houses' echo: how loud beside the direct sound, and its seconds of decay.
const ECHO_GAIN: f32 = 0.8;
const ECHO_DECAY: f32 = 1.5;

/// The street beside the siren, whose tone has an RMS near 0.7: wind and tyres, and the rumble of engines.
const HISS_GAIN: f32 = 0.3;
const HISS_TO_HZ: f32 = 3_000.0;
const RUMBLE_GAIN: f32 = 5.0;
const RUMBLE_TO_HZ: f32 = 200.0;

pub(super) struct Siren;

impl Voice for Siren {
    fn label(&self) -> &'static str {
        "siren"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let overtones: Vec<(f32, f32)> =
            (1..=OVERTONES).map(f32::from).map(|k| (k, k.powf(OVERTONE_SLOPE))).collect();
        let begin = prng.between(0.0, 0.1);
        let mut phase = 0.0_f32;
        let mut warmth = OnePole::new(5_000.0, rate_hz);
        let dry: Vec<f32> = (0..into.len())
            .map(|index| {
                let hz = pitch_hz((index as f32 / rate_hz / WAIL_SECONDS + begin).fract());
                phase = (phase + hz / rate_hz).fract();
                let tone: f32 =
                    overtones.iter().map(|(k, loudness)| loudness * (TAU * phase * k).sin()).sum();
                warmth.low(tone)
            })
            .collect();
        let wet = echo(&dry, ECHO_DECAY, rate_hz);
        let mut tyres = OnePole::new(HISS_TO_HZ, rate_hz);
        let mut engines = [OnePole::new(RUMBLE_TO_HZ, rate_hz); 2];
        for ((out, near), far) in into.iter_mut().zip(&dry).zip(&wet) {
            let hiss = tyres.low(prng.noise());
            let rumble = engines.iter_mut().fold(prng.noise(), |noise, pole| pole.low(noise));
            *out += near + ECHO_GAIN * far + HISS_GAIN * hiss + RUMBLE_GAIN * rumble;
        }
    }
}

/// The pitch at `wail` (0..1) of one wail.
fn pitch_hz(wail: f32) -> f32 {
    let height = if wail < CLIMB { wail / CLIMB } else { (1.0 - wail) / (1.0 - CLIMB) };
    let eased = height * height * (3.0 - 2.0 * height);
    // pitch is a matter of ratios: the sweep is even in them
    LOW_HZ * (HIGH_HZ / LOW_HZ).powf(eased)
}
