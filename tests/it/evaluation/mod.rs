//! How models are measured: curves against their plain definitions, scenes whose truth is exact to the sample, events
//! held against it, and the whole of it with a scorer that distinguishes two tones.

mod curves;
mod matching;
mod psds;
mod scenes;
mod streaming;

use tympan::domain::{Clip, LabelSet, SampleRate};

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

fn labels() -> LabelSet {
    LabelSet::new(&["low tone", "high tone"]).unwrap()
}

/// White noise of variance one third times `amplitude` squared, the same every time.
fn noise(hz: u32, samples: usize, amplitude: f32) -> Clip {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let samples = (0..samples).map(|_| amplitude * next()).collect();
    Clip { sample_rate: rate(hz), samples }
}

/// A tone between silences, lengths in samples.
fn tone(hz: u32, tone_hz: f32, [before, sounding, after]: [usize; 3]) -> Clip {
    let sine = |index: usize| {
        (std::f32::consts::TAU * tone_hz * index as f32 / hz as f32 + 0.8).sin() * 0.3
    };
    let samples = std::iter::repeat_n(0.0, before)
        .chain((0..sounding).map(sine))
        .chain(std::iter::repeat_n(0.0, after));
    Clip { sample_rate: rate(hz), samples: samples.collect() }
}
