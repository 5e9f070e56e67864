//! A digital alarm clock: four short beeps, a rest, again. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::voice::Voice;
use crate::dsp::SplitMix64;

/// What the piezo of a quartz clock gives: its 32,768 Hz crystal divided by 16.
const BEEP_HZ: f32 = 2_048.0;

/// Odd harmonics of a driven piezo.
const HARMONICS: [(f32, f32); 4] = [(1.0, 1.0), (2.0, 0.12), (3.0, 0.33), (5.0, 0.12)];

/// Seconds of one beep and its pause, beeps in a group, seconds from group to group.
const BEEP_SECONDS: f32 = 0.065;
const BEEP_PERIOD: f32 = 0.125;
const BEEPS: f32 = 4.0;
const GROUP_PERIOD: f32 = 1.0;

/// Seconds in which a beep comes and goes.
const EDGE_SECONDS: f32 = 0.002;

pub(super) struct ClockAlarm;

impl Voice for ClockAlarm {
    fn label(&self) -> &'static str {
        "clock_alarm"
    }

    fn render(&self, rate_hz: f32, _prng: &mut SplitMix64, into: &mut [f32]) {
        for (index, sample) in into.iter_mut().enumerate() {
            let seconds = index as f64 / f64::from(rate_hz);
            let in_group = (seconds % f64::from(GROUP_PERIOD)) as f32;
            let in_beep = in_group % BEEP_PERIOD;
            if in_group >= BEEPS * BEEP_PERIOD || in_beep >= BEEP_SECONDS {
                continue;
            }
            let edge = (in_beep.min(BEEP_SECONDS - in_beep) / EDGE_SECONDS).min(1.0);
            let phase = (seconds * f64::from(BEEP_HZ)).fract() as f32;
            let tone: f32 = HARMONICS
                .iter()
                .filter(|(multiple, _)| multiple * BEEP_HZ < rate_hz / 2.0)
                .map(|(multiple, amplitude)| amplitude * (TAU * phase * multiple).sin())
                .sum();
            *sample += edge * tone;
        }
    }
}
