//! Clocks: one that ticks, two knocks a second on a small wooden case, and a digital alarm: four short beeps, a rest, again.
//! Rendered into the soundscape.

use std::f32::consts::TAU;

use super::voice::{OnePole, Partial, Voice};
use crate::dsp::SplitMix64;

/// Seconds between clicks.
const CLICK_SECONDS: f32 = 0.5;

/// Resonances of wheel and case: Hz, loudness, seconds of decay. A tock has them lower.
const RESONANCES: [(f32, f32, f32); 5] = [
    (1_150.0, 0.5, 0.05),
    (2_450.0, 0.9, 0.035),
    (3_900.0, 1.0, 0.025),
    (5_700.0, 0.7, 0.018),
    (8_300.0, 0.4, 0.012),
];
const TOCK_RATIO: f32 = 0.84;

/// An escapement makes two sounds a click: the unlocking, then the drop. Seconds after, how loud.
const STEPS: [(f32, f32); 2] = [(0.0, 0.45), (0.017, 1.0)];

pub(super) struct ClockTick;

impl Voice for ClockTick {
    fn label(&self) -> &'static str {
        "clock_tick"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let clicks = (into.len() as f32 / rate_hz / CLICK_SECONDS) as usize;
        for click in 0..clicks {
            let ratio = if click % 2 == 0 { 1.0 } else { TOCK_RATIO };
            for (later, loudness) in STEPS {
                let seconds = 0.08 + CLICK_SECONDS * click as f32 + later;
                let begin = ((seconds * rate_hz) as usize).min(into.len());
                knock(ratio, loudness, rate_hz, prng, &mut into[begin..]);
            }
        }
    }
}

fn knock(ratio: f32, loudness: f32, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
    for (hz, amplitude, decay) in RESONANCES {
        let amplitude = amplitude * loudness * prng.between(0.9, 1.1);
        Partial { hz: hz * ratio, amplitude, decay }.strike(rate_hz, prng.between(0.0, TAU), into);
    }
    let mut bright = OnePole::new(3_000.0, rate_hz);
    let contact = (0.002 * rate_hz) as usize;
    for (index, sample) in into.iter_mut().take(contact).enumerate() {
        let fall = 1.0 - index as f32 / contact as f32;
        *sample += 1.5 * loudness * fall * bright.high(prng.noise());
    }
}

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
