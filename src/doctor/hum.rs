//! Hum of the mains in audio: lines at 50 or 60 Hz and their multiples that stand out of their neighbourhood all the time, which
//! neither speech nor music does. Used by the measurement of a level.

use crate::domain::{Clip, SampleRate};
use crate::dsp::{DspError, Stft, StftSpec, Taper, power_to_dbfs, resample_clip};

/// What hum is looked for at: frames of a second have bins of 1 Hz, and half of this is above all multiples.
const RATE_HZ: u32 = 4_000;
const FRAME: usize = 4_000;

/// The mains of Europe, Asia, Africa and Australia, and of the Americas.
const MAINS_HZ: [usize; 2] = [50, 60];

/// Multiples that make up the level of a hum.
const MULTIPLES: usize = 8;
/// One of the first multiples has to stand out: higher ones of both mains coincide at 300 Hz.
const TELLING_MULTIPLES: usize = 3;

/// A line of the Hann taper, with the mains' own wander of 0.2 Hz: so many bins on either side.
const HALF_WIDTH: usize = 2;
/// Bins on either side that a line is compared with, from its own edge.
const NEIGHBOURS: std::ops::RangeInclusive<usize> = 5..=14;

/// How far the power of a line's bins is above that of its neighbours in every frame: ten times. White noise reaches three
/// times.
const STANDS_OUT: f32 = 10.0;

/// Hum of the mains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hum {
    /// 50 or 60.
    pub(super) mains_hz: usize,
    /// The level of all its lines together.
    pub(super) level_dbfs: f32,
}

impl Hum {
    /// The stronger hum of the two mains, if there is one; none in less than a second of audio.
    ///
    /// # Errors
    /// [`DspError`] when the audio cannot be resampled.
    pub(super) fn measure(clip: &Clip) -> Result<Option<Self>, DspError> {
        let rate = SampleRate::new(RATE_HZ).expect("invariant: the lowest rate there is");
        let audio = resample_clip(clip, rate)?;
        let mut stft = Stft::new(StftSpec {
            fft_size: FRAME,
            taper_samples: FRAME,
            frame_hop_samples: FRAME / 2,
            taper: Taper::Hann,
            pre_emphasis: 0.0,
        })?;
        let mut spectra: Vec<Vec<f32>> = Vec::new();
        stft.push(&audio.samples, &mut |power, _| spectra.push(power.to_vec()));
        let hums = MAINS_HZ.into_iter().filter_map(|mains_hz| of_mains(&spectra, mains_hz));
        Ok(hums.max_by(|one, other| one.level_dbfs.total_cmp(&other.level_dbfs)))
    }
}

fn of_mains(spectra: &[Vec<f32>], mains_hz: usize) -> Option<Hum> {
    let lines: Vec<(usize, f32)> = (1..=MULTIPLES)
        .filter_map(|multiple| Some((multiple, steady_line(spectra, mains_hz * multiple)?)))
        .collect();
    let is_hum = lines.iter().any(|(multiple, _)| *multiple <= TELLING_MULTIPLES);
    let power: f32 = lines.iter().map(|(_, power)| power).sum();
    is_hum.then(|| Hum { mains_hz, level_dbfs: power_to_dbfs(power) })
}

/// The mean power of a line that stands out in every frame, as that of samples.
fn steady_line(spectra: &[Vec<f32>], bin: usize) -> Option<f32> {
    let mut sum = 0.0;
    for spectrum in spectra {
        let line: f32 = spectrum[bin - HALF_WIDTH..=bin + HALF_WIDTH].iter().sum();
        let neighbours: f32 =
            NEIGHBOURS.map(|away| spectrum[bin - away] + spectrum[bin + away]).sum();
        let line_bins = (2 * HALF_WIDTH + 1) as f32;
        let neighbour_bins = (2 * NEIGHBOURS.count()) as f32;
        if line / line_bins <= STANDS_OUT * neighbours / neighbour_bins {
            return None;
        }
        sum += line;
    }
    // Parseval: both halves of the spectrum, and the taper's energy of 3/8 a sample
    let samples = FRAME as f32;
    let scale = 2.0 / (samples * samples * 0.375);
    (!spectra.is_empty()).then(|| sum / spectra.len() as f32 * scale)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::dsp::SplitMix64;

    fn clip(rate_hz: u32, seconds: usize, sample: impl Fn(f64) -> f64) -> Clip {
        let count = seconds * rate_hz as usize;
        let samples =
            (0..count).map(|index| sample(index as f64 / f64::from(rate_hz)) as f32).collect();
        Clip { sample_rate: SampleRate::new(rate_hz).unwrap(), samples }
    }

    fn with_noise(mut clip: Clip, level: f32) -> Clip {
        let mut noise = SplitMix64::new(7);
        for sample in &mut clip.samples {
            *sample += 0.5 * level * noise.noise();
        }
        clip
    }

    #[test]
    fn both_mains_are_distinguished_in_noise_with_their_level() {
        for mains_hz in [50usize, 60] {
            let f = mains_hz as f64 * 1.001;
            let hum = |t: f64| 0.01 * (TAU * f * t).sin() + 0.005 * (TAU * 3.0 * f * t).sin();
            let found = Hum::measure(&with_noise(clip(48_000, 5, hum), 0.02)).unwrap().unwrap();
            assert_eq!(found.mains_hz, mains_hz);
            // 0.01² / 2 + 0.005² / 2
            assert!((found.level_dbfs - -42.04).abs() < 0.5, "{found:?}");
        }
    }

    #[test]
    fn the_hum_of_a_rectifier_without_its_fundamental_is_found() {
        let hum = |t: f64| 0.01 * (TAU * 100.0 * t).sin() + 0.004 * (TAU * 200.0 * t).sin();
        let found = Hum::measure(&with_noise(clip(44_100, 3, hum), 0.01)).unwrap().unwrap();
        assert_eq!(found.mains_hz, 50);
    }

    #[test]
    fn noise_silence_a_glide_and_a_tone_elsewhere_are_no_hum() {
        let none = |clip: &Clip| Hum::measure(clip).unwrap().is_none();
        assert!(none(&with_noise(clip(48_000, 5, |_| 0.0), 0.1)));
        assert!(none(&clip(48_000, 5, |_| 0.0)));
        assert!(none(&with_noise(
            clip(16_000, 5, |t| 0.3 * (TAU * (80.0 + 9.0 * t) * t).sin()),
            0.01
        )));
        assert!(none(&with_noise(clip(16_000, 5, |t| 0.3 * (TAU * 440.0 * t).sin()), 0.01)));
        // a fifth of a second is no second
        assert!(none(&Clip { samples: vec![0.1; 9_600], ..clip(48_000, 0, |_| 0.0) }));
    }

    #[test]
    fn a_hum_that_comes_and_goes_is_no_hum_of_the_mains() {
        let melody = |t: f64| if t < 2.0 { 0.2 * (TAU * 100.0 * t).sin() } else { 0.0 };
        assert_eq!(Hum::measure(&with_noise(clip(16_000, 5, melody), 0.01)).unwrap(), None);
    }
}
