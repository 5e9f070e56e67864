//! What every voice of the soundscape is, and the two shapes most of them are made of. Called once, when a soundscape is made.

use std::f32::consts::TAU;

use crate::dsp::SplitMix64;

/// Root mean square every voice aims at: −20 dBFS.
const TARGET_RMS: f32 = 0.1;

/// No voice peaks above this, so that the background never makes it clip. Sparse voices (ticks) end up quieter.
const MAX_PEAK: f32 = 0.8;

/// Seconds over which a passage fades in and out: no click, and no long half-loud tail.
const FADE_IN: f32 = 0.02;
const FADE_OUT: f32 = 0.2;

/// One kind of sound.
pub(super) trait Voice {
    /// The class of ESC-50 it imitates.
    fn label(&self) -> &'static str;

    /// Adds the sound to `into`, which is silent, at any level.
    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]);
}

/// A passage of `voice`: rendered, levelled and faded.
pub(super) fn passage(
    voice: &dyn Voice,
    rate_hz: f32,
    samples: usize,
    prng: &mut SplitMix64,
) -> Vec<f32> {
    let mut sound = vec![0.0; samples];
    voice.render(rate_hz, prng, &mut sound);
    let rms = (sound.iter().map(|x| x * x).sum::<f32>() / samples.max(1) as f32).sqrt();
    let peak = sound.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let gain = (TARGET_RMS / rms.max(1e-9)).min(MAX_PEAK / peak.max(1e-9));
    for (index, sample) in sound.iter_mut().enumerate() {
        let from_begin = index as f32 / (FADE_IN * rate_hz);
        let to_end = (samples - 1 - index) as f32 / (FADE_OUT * rate_hz);
        *sample *= gain * from_begin.min(1.0) * to_end.min(1.0);
    }
    sound
}

/// Something struck: a partial that rings and dies away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    pub(super) hz: f32,
    pub(super) amplitude: f32,
    /// Seconds until it has fallen by 60 dB.
    pub(super) decay: f32,
}

impl Partial {
    /// Adds the partial to `into`, struck at its first sample; stops when inaudible.
    pub(super) fn strike(self, rate_hz: f32, phase: f32, into: &mut [f32]) {
        if self.hz >= rate_hz / 2.0 {
            return;
        }
        // A rotating phasor: one complex product a sample instead of a sine and an exponential.
        let shrink = 10_f64.powf(-3.0 / f64::from(self.decay * rate_hz));
        let turn = f64::from(TAU * self.hz / rate_hz);
        let (step_re, step_im) = (shrink * turn.cos(), shrink * turn.sin());
        let (mut re, mut im) = (
            f64::from(self.amplitude) * f64::from(phase).cos(),
            f64::from(self.amplitude) * f64::from(phase).sin(),
        );
        let audible = (self.decay * 1.2 * rate_hz) as usize;
        for sample in into.iter_mut().take(audible) {
            *sample += im as f32;
            (re, im) = (re * step_re - im * step_im, re * step_im + im * step_re);
        }
    }
}

/// A one-pole low pass; the difference to its input is the high pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnePole {
    weight: f32,
    state: f32,
}

impl OnePole {
    pub(super) fn new(cutoff_hz: f32, rate_hz: f32) -> Self {
        Self { weight: 1.0 - (-TAU * cutoff_hz / rate_hz).exp(), state: 0.0 }
    }

    pub(super) fn low(&mut self, input: f32) -> f32 {
        self.state += self.weight * (input - self.state);
        self.state
    }

    pub(super) fn high(&mut self, input: f32) -> f32 {
        input - self.low(input)
    }
}
