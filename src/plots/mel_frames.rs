//! The spectrogram that a network sees, as numbers: a clip through the one front end. Fed clips and a bundle's front end;
//! feeds the pictures.

use super::PlotError;
use crate::domain::Clip;
use crate::dsp::MelScale;
use crate::features::{FrontEnd, FrontEndSpec, Normaliser};

/// What the numbers of a spectrogram are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelUnit {
    /// Energies in dB.
    Decibel,
    /// Deviations from the training set's mean, band by band: the network's own input.
    Normalised,
}

/// Log-mel frames of a whole clip, and where they stand in time and frequency.
///
/// # Shapes
/// `values`: `[frames, mel_bands]`, the bands of a frame from low to high.
///
/// # Units
/// Seconds and Hz.
#[derive(Debug, Clone, PartialEq)]
pub struct MelFrames {
    /// The frames.
    pub values: Vec<f32>,
    /// Bands of a frame.
    pub mel_bands: usize,
    /// What the values are.
    pub unit: MelUnit,
    /// How long the clip lasts.
    pub seconds: f64,
    /// Where the middle of the first frame lies.
    pub first_s: f64,
    /// From one frame to the next.
    pub step_s: f64,
    /// The lower edge of the lowest band.
    pub low_hz: f64,
    /// The upper edge of the highest band.
    pub high_hz: f64,
    /// How bands are spaced.
    pub scale: MelScale,
}

impl MelFrames {
    /// Runs `clip` through the front end, and through `normaliser` where there is one.
    ///
    /// A clip shorter than one frame gets silence at its end, just enough for one.
    ///
    /// # Errors
    /// [`PlotError::Empty`] without samples, [`PlotError::Features`] when the front end cannot be computed.
    pub fn compute(
        clip: &Clip,
        spec: &FrontEndSpec,
        normaliser: Option<&Normaliser>,
    ) -> Result<Self, PlotError> {
        if clip.samples.is_empty() {
            let what = "the clip has no samples";
            return Err(PlotError::Empty { picture: "the spectrogram", what });
        }
        if let Some(normaliser) = normaliser {
            normaliser.check(spec.mel_bands)?;
        }
        let mut front_end = FrontEnd::new(spec, clip.sample_rate)?;
        let mut values = Vec::new();
        let mut normalised = vec![0.0; spec.mel_bands];
        let mut take = |frame: crate::features::Frame<'_>| match normaliser {
            Some(normaliser) => {
                normaliser.apply_into(frame.log_mel, &mut normalised);
                values.extend_from_slice(&normalised);
            }
            None => values.extend_from_slice(frame.log_mel),
        };
        let (rate, own_rate) = (f64::from(spec.sample_rate_hz.hz()), clip.sample_rate.hz());
        front_end.push(&clip.samples, &mut take);
        let seconds = clip.samples.len() as f64 / f64::from(own_rate);
        let missing = (spec.fft_size as f64 / rate - seconds) * f64::from(own_rate);
        if missing > 0.0 {
            // one more for what the resampler's rounding keeps back
            front_end.push(&vec![0.0; missing.ceil() as usize + 1], &mut take);
        }
        front_end.flush(&mut take);
        Ok(Self {
            values,
            mel_bands: spec.mel_bands,
            unit: if normaliser.is_some() { MelUnit::Normalised } else { MelUnit::Decibel },
            seconds,
            first_s: spec.fft_size as f64 / 2.0 / rate,
            step_s: spec.frame_hop_samples as f64 / rate,
            low_hz: spec.mel_low_hz,
            high_hz: spec.mel_high_hz,
            scale: spec.mel_scale,
        })
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.values.len() / self.mel_bands
    }
}
