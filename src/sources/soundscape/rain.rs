//! Steady rain: a bed of filtered noise from the many far drops, and single near ones on top. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::voice::{OnePole, Partial, Voice};
use crate::dsp::SplitMix64;

/// Near drops a second, at random times.
const DROPS_PER_SECOND: f32 = 1_200.0;

/// The bed's band in Hz: no rumble below, soft above.
const BED_FROM_HZ: f32 = 400.0;
const BED_TO_HZ: f32 = 6_000.0;

pub(super) struct Rain;

impl Voice for Rain {
    fn label(&self) -> &'static str {
        "rain"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let mut floor = OnePole::new(BED_FROM_HZ, rate_hz);
        let mut ceiling = OnePole::new(BED_TO_HZ, rate_hz);
        for sample in into.iter_mut() {
            *sample += floor.high(ceiling.low(prng.noise()));
        }
        let drops = (DROPS_PER_SECOND * into.len() as f32 / rate_hz) as usize;
        for _ in 0..drops {
            let begin = ((prng.unit() * into.len() as f32) as usize).min(into.len());
            // few near, many far
            let nearness = prng.unit();
            let amplitude = 0.05 + 0.8 * nearness * nearness * nearness * nearness;
            let hz = 1_500.0 * (5.0_f32).powf(prng.unit());
            let decay = prng.between(0.004, 0.018);
            let phase = prng.between(0.0, TAU);
            Partial { hz, amplitude, decay }.strike(rate_hz, phase, &mut into[begin..]);
        }
    }
}
