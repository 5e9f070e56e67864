//! Triangular mel filters over a power spectrum. Fed by the STFT, feeds the logarithm; runs on the feature thread.

use serde::{Deserialize, Serialize};

use super::{DspError, sum_of_products};

/// How frequency maps to the mel scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MelScale {
    /// Linear below 1 kHz, logarithmic above: Slaney's Auditory Toolbox (1998); librosa's default.
    Slaney,
    /// `2595·log10(1 + f/700)`: the HTK Book; torchaudio's default.
    Htk,
    /// HTK's scale, and triangles that are straight in mel where the others' are straight in Hz: Kaldi's `mel-computations.cc`.
    /// The bin at half the sample rate belongs to no filter. A filter between two bins is always zero, and accepted: networks
    /// were trained with such.
    Kaldi,
}

impl MelScale {
    /// What triangles are straight in.
    fn slope_axis(self, hz: f64) -> f64 {
        match self {
            Self::Slaney | Self::Htk => hz,
            Self::Kaldi => self.to_mel(hz),
        }
    }
}

/// How the filters are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MelNorm {
    /// Each filter has unit area over Hz; librosa's default.
    Slaney,
    /// Each filter peaks at 1; torchaudio's default.
    None,
}

/// What a bank of mel filters is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelFilterBankSpec {
    /// Rate of the samples the spectrum was taken of.
    pub sample_rate_hz: u32,
    /// Length of the transform.
    pub fft_size: usize,
    /// How many filters.
    pub mel_bands: usize,
    /// Lower edge of the lowest filter.
    pub low_hz: f64,
    /// Upper edge of the highest filter.
    pub high_hz: f64,
    /// Frequency scale.
    pub scale: MelScale,
    /// Scaling of the filters.
    pub norm: MelNorm,
}

/// One filter: its weights from `first_bin` on; all others are zero.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

/// A bank of triangular filters, stored without its zeros.
///
/// # Source
/// The filters of librosa 0.11 `filters.mel`: edges equally spaced in mel, triangles evaluated at the bins' frequencies.
///
/// ```
/// use tympan::dsp::{MelFilterBank, MelFilterBankSpec, MelNorm, MelScale};
///
/// let bank = MelFilterBank::new(&MelFilterBankSpec {
///     sample_rate_hz: 16_000,
///     fft_size: 1024,
///     mel_bands: 64,
///     low_hz: 50.0,
///     high_hz: 7_500.0,
///     scale: MelScale::Slaney,
///     norm: MelNorm::Slaney,
/// })?;
/// let mut energies = [0.0; 64];
/// bank.apply_into(&[1.0; 513], &mut energies);
/// assert!(energies.iter().all(|energy| *energy > 0.0));
/// # Ok::<(), tympan::dsp::DspError>(())
/// ```
pub struct MelFilterBank {
    filters: Vec<Filter>,
}

impl MelFilterBank {
    /// Computes the filters.
    ///
    /// # Errors
    /// [`DspError::NoBands`], [`DspError::BandEdges`], or [`DspError::EmptyBand`] when a filter would hold no bin.
    pub fn new(spec: &MelFilterBankSpec) -> Result<Self, DspError> {
        let nyquist_hz = f64::from(spec.sample_rate_hz) / 2.0;
        if spec.mel_bands == 0 {
            return Err(DspError::NoBands);
        }
        // written so that NaN fails
        let rising = spec.low_hz >= 0.0 && spec.low_hz < spec.high_hz && spec.high_hz <= nyquist_hz;
        if !rising {
            return Err(DspError::BandEdges {
                low_hz: spec.low_hz,
                high_hz: spec.high_hz,
                nyquist_hz,
            });
        }
        let low = spec.scale.to_mel(spec.low_hz);
        let high = spec.scale.to_mel(spec.high_hz);
        let edges: Vec<f64> = (0..spec.mel_bands + 2)
            .map(|edge| low + (high - low) * edge as f64 / (spec.mel_bands + 1) as f64)
            .map(|mel| spec.scale.to_hz(mel))
            .collect();
        let filters: Vec<Filter> = edges.windows(3).map(|edges| triangle(spec, edges)).collect();
        match filters.iter().position(|filter| filter.weights.is_empty()) {
            Some(band) if spec.scale != MelScale::Kaldi => Err(DspError::EmptyBand {
                band,
                mel_bands: spec.mel_bands,
                fft_size: spec.fft_size,
            }),
            _ => Ok(Self { filters }),
        }
    }

    /// Sums the spectrum's power in each band.
    ///
    /// # Shapes
    /// `power`: `[bins]`; `energies`: `[mel_bands]`.
    ///
    /// # Real time
    /// Does not allocate.
    #[inline(always)]
    pub fn apply_into(&self, power: &[f32], energies: &mut [f32]) {
        for (energy, filter) in energies.iter_mut().zip(&self.filters) {
            let bins = &power[filter.first_bin..filter.first_bin + filter.weights.len()];
            *energy = sum_of_products(bins, &filter.weights);
        }
    }

    /// The weight of `bin` in `band`, for tests and plots.
    pub fn weight(&self, band: usize, bin: usize) -> f32 {
        let filter = &self.filters[band];
        bin.checked_sub(filter.first_bin)
            .and_then(|offset| filter.weights.get(offset))
            .copied()
            .unwrap_or(0.0)
    }
}

fn triangle(spec: &MelFilterBankSpec, edges: &[f64]) -> Filter {
    let (left, centre, right) = (edges[0], edges[1], edges[2]);
    let gain = match spec.norm {
        MelNorm::Slaney => 2.0 / (right - left),
        MelNorm::None => 1.0,
    };
    let bin_hz = f64::from(spec.sample_rate_hz) / spec.fft_size as f64;
    let bins = spec.fft_size / 2 + usize::from(spec.scale != MelScale::Kaldi);
    let axis = |hz| spec.scale.slope_axis(hz);
    let (rise, fall) = (axis(centre) - axis(left), axis(right) - axis(centre));
    let mut first_bin = 0;
    let mut weights = Vec::new();
    // all others lie outside the triangle; looked at for each of many bands they would take minutes
    let candidates = (left / bin_hz) as usize..=(right / bin_hz) as usize + 1;
    for bin in candidates.take_while(|&bin| bin < bins) {
        let hz = bin as f64 * bin_hz;
        let weight = ((axis(hz) - axis(left)) / rise).min((axis(right) - axis(hz)) / fall);
        if weight > 0.0 {
            if weights.is_empty() {
                first_bin = bin;
            }
            weights.push((weight * gain) as f32);
        }
    }
    Filter { first_bin, weights }
}

/// Slaney's scale: 200/3 Hz a mel up to 1 kHz, then 27 steps for each factor of 6.4.
const SLANEY_HZ_PER_MEL: f64 = 200.0 / 3.0;
const SLANEY_BREAK_HZ: f64 = 1000.0;
const SLANEY_BREAK_MEL: f64 = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;

fn slaney_log_step() -> f64 {
    6.4f64.ln() / 27.0
}

impl MelScale {
    /// Hz to mel.
    pub fn to_mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk | Self::Kaldi => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < SLANEY_BREAK_HZ => hz / SLANEY_HZ_PER_MEL,
            Self::Slaney => SLANEY_BREAK_MEL + (hz / SLANEY_BREAK_HZ).ln() / slaney_log_step(),
        }
    }

    /// Mel to Hz.
    pub fn to_hz(self, mel: f64) -> f64 {
        match self {
            Self::Htk | Self::Kaldi => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < SLANEY_BREAK_MEL => mel * SLANEY_HZ_PER_MEL,
            Self::Slaney => SLANEY_BREAK_HZ * ((mel - SLANEY_BREAK_MEL) * slaney_log_step()).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> MelFilterBankSpec {
        MelFilterBankSpec {
            sample_rate_hz: 16_000,
            fft_size: 512,
            mel_bands: 40,
            low_hz: 20.0,
            high_hz: 8_000.0,
            scale: MelScale::Htk,
            norm: MelNorm::None,
        }
    }

    #[test]
    fn both_scales_invert() {
        for scale in [MelScale::Slaney, MelScale::Htk, MelScale::Kaldi] {
            for hz in [0.0, 440.0, 999.9, 1000.0, 7_999.0] {
                assert!((scale.to_hz(scale.to_mel(hz)) - hz).abs() < 1e-8, "{scale:?} {hz}");
            }
        }
    }

    #[test]
    fn bands_between_two_bins_and_edges_beyond_nyquist_are_refused() {
        let crowded = MelFilterBankSpec { mel_bands: 200, ..spec() };
        assert!(matches!(MelFilterBank::new(&crowded), Err(DspError::EmptyBand { .. })));
        let beyond = MelFilterBankSpec { high_hz: 8_001.0, ..spec() };
        assert!(matches!(MelFilterBank::new(&beyond), Err(DspError::BandEdges { .. })));
        let unordered = MelFilterBankSpec { low_hz: f64::NAN, ..spec() };
        assert!(matches!(MelFilterBank::new(&unordered), Err(DspError::BandEdges { .. })));
    }

    #[test]
    fn kaldi_s_triangles_are_straight_in_mel_and_may_be_empty() {
        let spec = MelFilterBankSpec {
            sample_rate_hz: 32_000,
            fft_size: 512,
            mel_bands: 128,
            low_hz: 0.0,
            high_hz: 15_000.0,
            scale: MelScale::Kaldi,
            norm: MelNorm::None,
        };
        let bank = MelFilterBank::new(&spec).unwrap();
        let mel = |hz: f64| 1127.0 * (1.0 + hz / 700.0).ln();
        let step = mel(15_000.0) / 129.0;
        let mut empty = 0;
        for band in 0..128 {
            let centre = (band + 1) as f64 * step;
            let weights = (0..=256).map(|bin| {
                let apart = (mel(f64::from(bin) * 62.5) - centre).abs() / step;
                let expected = if bin == 256 { 0.0 } else { (1.0 - apart).max(0.0) };
                let found = bank.weight(band, bin as usize);
                assert!((f64::from(found) - expected).abs() < 1e-4, "band {band}, bin {bin}");
                found
            });
            empty += usize::from(weights.sum::<f32>() == 0.0);
        }
        assert!(empty > 5, "{empty} filters lie between two bins");
    }

    #[test]
    fn flat_power_gives_slaney_bands_of_equal_energy() {
        let bank = MelFilterBank::new(&MelFilterBankSpec {
            fft_size: 8_192,
            norm: MelNorm::Slaney,
            ..spec()
        });
        let mut energies = vec![0.0; 40];
        bank.unwrap().apply_into(&vec![1.0; 4_097], &mut energies);
        let bin_hz = 16_000.0 / 8_192.0;
        for energy in energies {
            assert!((energy * bin_hz - 1.0).abs() < 0.02, "{energy}");
        }
    }
}
