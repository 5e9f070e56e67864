//! Short-time Fourier transform of a stream: samples in, power spectra out, one a frame; with its taper, and the dot product that
//! it shares with the mel filter bank and the networks. Fed by the resampler, feeds the
//! mel filter bank; runs on the feature thread.

use std::f64::consts::PI;
use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::DspError;

/// The shape of a taper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taper {
    /// Hann, periodic: librosa's default.
    #[default]
    Hann,
    /// Hann, symmetric: zero at both ends.
    HannSymmetric,
}

/// A short-time Fourier transform; sizes in samples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StftSpec {
    /// Length of the transform.
    pub fft_size: usize,
    /// Length of the taper; the rest of the frame is zero on both sides.
    pub taper_samples: usize,
    /// Samples between the starts of two frames.
    pub frame_hop_samples: usize,
    /// The taper's shape.
    pub taper: Taper,
    /// How much of the sample before is taken from each sample of a frame; 0: nothing is. The first sample of a frame has none
    /// before it, and every taper is zero there.
    pub pre_emphasis: f32,
}

impl StftSpec {
    /// Bins of one spectrum.
    pub fn bins(&self) -> usize {
        self.fft_size / 2 + 1
    }
}

/// Turns samples into power spectra. Frame `f` covers samples `f·hop .. f·hop + fft_size`: nothing is padded.
///
/// ```
/// use tympan::dsp::{Stft, StftSpec};
///
/// let spec =
///     StftSpec { fft_size: 1024, taper_samples: 1024, frame_hop_samples: 320, ..StftSpec::default() };
/// let mut stft = Stft::new(spec)?;
/// let mut frames = 0;
/// stft.push(&[0.0; 1024 + 2 * 320], &mut |power, _mean_power| {
///     assert_eq!(power.len(), spec.bins());
///     frames += 1;
/// });
/// assert_eq!(frames, 3);
/// # Ok::<(), tympan::dsp::DspError>(())
/// ```
pub struct Stft {
    spec: StftSpec,
    taper: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
    /// The samples of the frame being filled, oldest first.
    pending: Vec<f32>,
    tapered: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
    arch: Arch,
}

impl Stft {
    /// Plans the transform.
    ///
    /// # Errors
    /// [`DspError::FftSize`], [`DspError::TaperLength`], [`DspError::FrameHop`] or [`DspError::PreEmphasis`].
    pub fn new(spec: StftSpec) -> Result<Self, DspError> {
        let StftSpec { fft_size, taper_samples, frame_hop_samples, taper, pre_emphasis } = spec;
        if fft_size % 2 != 0 || !(16..=65_536).contains(&fft_size) {
            return Err(DspError::FftSize { found: fft_size });
        }
        if !(1..=fft_size).contains(&taper_samples) {
            return Err(DspError::TaperLength { found: taper_samples, fft_size });
        }
        if !(1..=taper_samples).contains(&frame_hop_samples) {
            return Err(DspError::FrameHop { found: frame_hop_samples, taper_samples });
        }
        if !(0.0..1.0).contains(&pre_emphasis) {
            return Err(DspError::PreEmphasis { found: pre_emphasis });
        }
        let transform = RealFftPlanner::<f32>::new().plan_fft_forward(fft_size);
        Ok(Self {
            spec,
            taper: match taper {
                Taper::Hann => hann(taper_samples, fft_size),
                Taper::HannSymmetric => hann_of_period(taper_samples - 1, taper_samples, fft_size),
            },
            pending: Vec::with_capacity(fft_size),
            tapered: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            power: vec![0.0; spec.bins()],
            transform,
            arch: Arch::new(),
        })
    }

    /// Takes any number of samples and calls `on_frame` with each frame they complete.
    ///
    /// `on_frame` gets the power spectrum, `[bins]`, and the mean power of the frame's samples before the taper.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(&mut self, mut samples: &[f32], on_frame: &mut dyn FnMut(&[f32], f32)) {
        while !samples.is_empty() {
            let room = self.spec.fft_size - self.pending.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(now);
            samples = later;
            if self.pending.len() == self.spec.fft_size {
                let mean_power = self.transform_pending();
                on_frame(&self.power, mean_power);
                self.pending.copy_within(self.spec.frame_hop_samples.., 0);
                self.pending.truncate(self.spec.fft_size - self.spec.frame_hop_samples);
            }
        }
    }

    fn transform_pending(&mut self) -> f32 {
        let Self { pending, taper, tapered, spec, .. } = self;
        let pre_emphasis = spec.pre_emphasis;
        let energy =
            self.arch.dispatch(Tapering { samples: pending, taper, pre_emphasis, tapered });
        self.transform
            .process_with_scratch(&mut self.tapered, &mut self.spectrum, &mut self.scratch)
            .expect("invariant: the buffers were made by this transform");
        self.arch.dispatch(Power { spectrum: &self.spectrum, power: &mut self.power });
        energy / self.spec.fft_size as f32
    }

    /// Forgets all samples; the next one pushed is the first of a frame.
    pub fn reset(&mut self) {
        self.pending.clear();
    }
}

/// Samples, emphasised, times taper, and the energy of the samples as they came; several at a time, as what is inlined into `with_simd` is.
struct Tapering<'a> {
    samples: &'a [f32],
    taper: &'a [f32],
    pre_emphasis: f32,
    tapered: &'a mut [f32],
}

impl WithSimd for Tapering<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let Self { samples, taper, pre_emphasis, tapered } = self;
        for ((tapered, sample), weight) in tapered.iter_mut().zip(samples).zip(taper) {
            *tapered = sample * weight;
        }
        if pre_emphasis > 0.0 {
            let after_first = tapered[1..].iter_mut().zip(samples).zip(&taper[1..]);
            for ((tapered, before), weight) in after_first {
                *tapered -= pre_emphasis * before * weight;
            }
        }
        sum_of_products(samples, samples)
    }
}

struct Power<'a> {
    spectrum: &'a [Complex<f32>],
    power: &'a mut [f32],
}

impl WithSimd for Power<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (power, bin) in self.power.iter_mut().zip(self.spectrum) {
            *power = bin.norm_sqr();
        }
    }
}

/// A periodic Hann taper of `taper_samples`, centred in a frame of `fft_size` and zero around it.
///
/// # Shapes
/// Returns `[fft_size]`.
///
/// # Source
/// `w[n] = (1 − cos(2πn/N)) / 2`, as `scipy.signal.get_window("hann", N, fftbins=True)`; the centring is that of
/// librosa 0.11 `util.pad_center`.
pub fn hann(taper_samples: usize, fft_size: usize) -> Vec<f32> {
    hann_of_period(taper_samples, taper_samples, fft_size)
}

/// As [`hann`], of another period than its length; symmetric if that is one less.
fn hann_of_period(period: usize, taper_samples: usize, fft_size: usize) -> Vec<f32> {
    let mut taper = vec![0.0; fft_size];
    let start = (fft_size - taper_samples) / 2;
    for (index, weight) in taper[start..start + taper_samples].iter_mut().enumerate() {
        let phase = 2.0 * PI * index as f64 / period.max(1) as f64;
        *weight = (0.5 - 0.5 * phase.cos()) as f32;
    }
    taper
}

/// Sums kept side by side: one alone would have every addition wait for the one before.
const SUMS: usize = 8;

/// Sum of the products of `a` and `b`, which are equally long. Inlined, so that it is compiled for the caller's instructions.
#[inline(always)]
pub fn sum_of_products(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let (a_eights, a_rest) = a.as_chunks::<SUMS>();
    let (b_eights, b_rest) = b.as_chunks::<SUMS>();
    let mut sums = [0.0f32; SUMS];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..SUMS {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_on_a_bin_has_its_power_in_that_bin() {
        let spec = StftSpec {
            fft_size: 64,
            taper_samples: 64,
            frame_hop_samples: 32,
            ..StftSpec::default()
        };
        let mut stft = Stft::new(spec).unwrap();
        let tone: Vec<f32> =
            (0..64).map(|i| (2.0 * std::f32::consts::PI * 8.0 * i as f32 / 64.0).cos()).collect();
        let mut frames = 0;
        stft.push(&tone, &mut |power, mean_power| {
            frames += 1;
            // a Hann taper has gain N/2, a cosine half its amplitude at +f: (64 / 4)²
            assert!((power[8] - 256.0).abs() < 1e-2, "{}", power[8]);
            assert!(power[20] < 1e-6);
            assert!((mean_power - 0.5).abs() < 1e-5);
        });
        assert_eq!(frames, 1);
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        let spec = |fft_size, taper_samples, frame_hop_samples| StftSpec {
            fft_size,
            taper_samples,
            frame_hop_samples,
            ..StftSpec::default()
        };
        assert!(matches!(Stft::new(spec(63, 63, 1)), Err(DspError::FftSize { found: 63 })));
        assert!(matches!(Stft::new(spec(64, 65, 1)), Err(DspError::TaperLength { .. })));
        assert!(matches!(Stft::new(spec(64, 64, 0)), Err(DspError::FrameHop { .. })));
    }

    #[test]
    fn it_is_periodic_and_centred() {
        let taper = hann(4, 8);
        assert_eq!(taper, [0.0, 0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
        let symmetric = hann_of_period(4, 5, 7);
        assert_eq!(symmetric[..4], [0.0, 0.0, 0.5, 1.0]);
        assert!(symmetric[5].abs() < 1e-7);
    }

    #[test]
    fn emphasis_takes_a_share_of_the_sample_before() {
        let sizes = StftSpec {
            fft_size: 64,
            taper_samples: 64,
            frame_hop_samples: 64,
            ..StftSpec::default()
        };
        let spectrum = |pre_emphasis, samples: &[f32]| {
            let mut bins = Vec::new();
            let mut stft = Stft::new(StftSpec { pre_emphasis, ..sizes }).unwrap();
            stft.push(samples, &mut |power, _| bins.extend_from_slice(power));
            bins
        };
        let samples: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin() + 0.3).collect();
        let mut by_hand = samples.clone();
        for i in (1..64).rev() {
            by_hand[i] -= 0.97 * samples[i - 1];
        }
        for (found, expected) in spectrum(0.97, &samples).iter().zip(spectrum(0.0, &by_hand)) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        let beyond = StftSpec { pre_emphasis: 1.0, ..sizes };
        assert!(matches!(Stft::new(beyond), Err(DspError::PreEmphasis { .. })));
    }
}
