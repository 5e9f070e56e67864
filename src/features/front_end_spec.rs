//! Every number the front end depends on. Read from a bundle, never from the configuration.

use serde::{Deserialize, Serialize};

use super::FeatureError;
use crate::domain::SampleRate;
use crate::dsp::{MelFilterBankSpec, MelNorm, MelScale, StftSpec, Taper};

/// The parameters of samples → log-mel frames, as they stand in a bundle's `[front_end]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEndSpec {
    /// What a frame holds; no key of a bundle.
    #[serde(skip)]
    pub values: FrameValues,
    /// Which way of computing these parameters stand for; rises whenever the same parameters would give other numbers.
    pub revision: u32,
    /// The rate everything is resampled to.
    pub sample_rate_hz: SampleRate,
    /// Length of the Fourier transform, in samples.
    pub fft_size: usize,
    /// Length of the taper, in samples.
    pub taper_samples: usize,
    /// The taper's shape.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taper: Taper,
    /// How much of the sample before is taken from each sample of a frame.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pre_emphasis: f32,
    /// Samples between the starts of two frames.
    pub frame_hop_samples: usize,
    /// Where frames begin.
    pub framing: Framing,
    /// Mel bands of a frame.
    pub mel_bands: usize,
    /// Lower edge of the lowest band.
    pub mel_low_hz: f64,
    /// Upper edge of the highest band.
    pub mel_high_hz: f64,
    /// Frequency scale.
    pub mel_scale: MelScale,
    /// Scaling of the filters.
    pub mel_norm: MelNorm,
    /// How power becomes a logarithm.
    pub log_scale: LogScale,
    /// Power below which everything counts as this much, or that is added to all. Also what keeps denormal numbers out of the
    /// network.
    pub log_floor: f32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FrameValues {
    /// Log-mel energies of its samples.
    #[default]
    LogMel,
    /// Its samples, for a network that takes the waveform. Frames do not overlap, and a window's values are its samples in their
    /// order.
    Samples,
}

/// Where frames begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Frame `f` begins at sample `f · hop`; no sample is made up (librosa's `center=False`).
    Uncentred,
}

/// How power becomes a logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogScale {
    /// `10·log10(max(power, log_floor))`: librosa's `power_to_db` with `ref=1`, `amin=log_floor`, `top_db=None`.
    Decibel,
    /// `ln(power + log_floor)`.
    NaturalOffset,
}

impl FrontEndSpec {
    /// The revision this program computes.
    pub const REVISION: u32 = 1;

    /// 64 mel bands from 50 to 7500 Hz at 16 kHz, a frame of 64 ms every 20 ms.
    ///
    /// The upper edge is what the resampler passes from higher rates, so that a model trained on 16 kHz files gets the
    /// same from a 48 kHz microphone.
    ///
    /// # Errors
    /// None in practice; the rate goes through the usual check.
    pub fn standard() -> Result<Self, crate::domain::DomainError> {
        Ok(Self {
            values: FrameValues::LogMel,
            revision: Self::REVISION,
            sample_rate_hz: SampleRate::new(16_000)?,
            fft_size: 1024,
            taper_samples: 1024,
            taper: Taper::Hann,
            pre_emphasis: 0.0,
            frame_hop_samples: 320,
            framing: Framing::Uncentred,
            mel_bands: 64,
            mel_low_hz: 50.0,
            mel_high_hz: 7_500.0,
            mel_scale: MelScale::Slaney,
            mel_norm: MelNorm::Slaney,
            log_scale: LogScale::Decibel,
            log_floor: 1e-10,
        })
    }

    /// 101 mel bands up to 7477 Hz at 16 kHz, a frame of 25 ms every 10 ms: the bands below 7.5 kHz of the front end that
    /// published AudioSet networks such as EfficientAT's see (128 bands up to 15 kHz at 32 kHz).
    ///
    /// # Errors
    /// None in practice; the rate goes through the usual check.
    pub fn fine() -> Result<Self, crate::domain::DomainError> {
        Ok(Self {
            fft_size: 512,
            taper_samples: 400,
            frame_hop_samples: 160,
            mel_bands: 101,
            mel_low_hz: 0.0,
            mel_high_hz: 7_477.0,
            mel_scale: MelScale::Htk,
            mel_norm: MelNorm::None,
            log_floor: 1e-6,
            ..Self::standard()?
        })
    }

    /// Frames of `frame_samples` samples that are passed on as they are. What concerns the spectrum alone has no meaning then.
    pub fn of_samples(sample_rate_hz: SampleRate, frame_samples: usize) -> Self {
        Self {
            values: FrameValues::Samples,
            revision: Self::REVISION,
            sample_rate_hz,
            fft_size: frame_samples,
            taper_samples: frame_samples,
            taper: Taper::Hann,
            pre_emphasis: 0.0,
            frame_hop_samples: frame_samples,
            framing: Framing::Uncentred,
            mel_bands: frame_samples,
            mel_low_hz: 0.0,
            mel_high_hz: f64::from(sample_rate_hz.hz()) / 2.0,
            mel_scale: MelScale::Slaney,
            mel_norm: MelNorm::Slaney,
            log_scale: LogScale::Decibel,
            log_floor: 1e-10,
        }
    }

    /// Checks what no single step checks.
    ///
    /// # Errors
    /// [`FeatureError::Revision`] or [`FeatureError::LogFloor`].
    pub fn check(&self) -> Result<(), FeatureError> {
        if self.revision != Self::REVISION {
            return Err(FeatureError::Revision { found: self.revision, known: Self::REVISION });
        }
        if !(self.log_floor.is_normal() && self.log_floor > 0.0) {
            return Err(FeatureError::LogFloor { found: self.log_floor });
        }
        Ok(())
    }

    /// The sizes of the transform.
    pub fn stft(&self) -> StftSpec {
        StftSpec {
            fft_size: self.fft_size,
            taper_samples: self.taper_samples,
            frame_hop_samples: self.frame_hop_samples,
            taper: self.taper,
            pre_emphasis: self.pre_emphasis,
        }
    }

    /// The parameters of the filter bank.
    pub fn filter_bank(&self) -> MelFilterBankSpec {
        MelFilterBankSpec {
            sample_rate_hz: self.sample_rate_hz.hz(),
            fft_size: self.fft_size,
            mel_bands: self.mel_bands,
            low_hz: self.mel_low_hz,
            high_hz: self.mel_high_hz,
            scale: self.mel_scale,
            norm: self.mel_norm,
        }
    }

    /// Samples, at the model's rate, that `frames` neighbouring frames cover.
    pub fn samples_of(&self, frames: usize) -> u64 {
        (frames.saturating_sub(1) * self.frame_hop_samples + self.fft_size) as u64
    }
}
