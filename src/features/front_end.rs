//! Samples at the source's rate → log-mel frames. Fed with any chunks; feeds the normaliser and, in training, the dataset.

use pulp::{Arch, Simd, WithSimd};

use super::{FeatureError, FrontEndSpec};
use crate::domain::{SampleRate, is_sound};
use crate::dsp::{MelFilterBank, Resampler, Stft, powers_to_db};

/// Samples repaired at a time, on the stack.
const PIECE_SAMPLES: usize = 256;

/// One frame, lent to the callback.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Log-mel energies, `[mel_bands]`, in dB, before normalisation.
    pub log_mel: &'a [f32],
    /// Mean power of the frame's samples; full scale is 1.
    pub mean_power: f32,
}

/// The front end up to the logarithm. Frame `f` covers samples `f·hop .. f·hop + fft_size` at the model's rate.
///
/// ```
/// use tympan::domain::SampleRate;
/// use tympan::features::{FrontEnd, FrontEndSpec};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = FrontEndSpec::standard()?;
/// let mut front_end = FrontEnd::new(&spec, SampleRate::new(44_100)?)?;
/// let mut frames = Vec::new();
/// front_end.push(&[0.0; 44_100], &mut |frame| frames.push(frame.log_mel.to_vec()));
/// front_end.flush(&mut |frame| frames.push(frame.log_mel.to_vec()));
/// // 1 s at 16 kHz: frames of 1024 samples, one every 320
/// assert_eq!(frames.len(), (16_000 - 1_024) / 320 + 1);
/// assert_eq!(frames[0].len(), spec.mel_bands);
/// # Ok(())
/// # }
/// ```
pub struct FrontEnd {
    resampler: Option<Resampler>,
    spectrogram: Spectrogram,
    samples_repaired: u64,
}

/// What is behind the resampler; apart, so that the resampler can call it while it is borrowed.
struct Spectrogram {
    stft: Stft,
    filter_bank: MelFilterBank,
    log_floor: f32,
    log_mel: Vec<f32>,
    arch: Arch,
}

impl FrontEnd {
    /// Plans every step for sources of `source_rate`.
    ///
    /// # Errors
    /// [`FeatureError`] when the description cannot be computed.
    pub fn new(spec: &FrontEndSpec, source_rate: SampleRate) -> Result<Self, FeatureError> {
        spec.check()?;
        let resampler = if source_rate == spec.sample_rate_hz {
            None
        } else {
            Some(Resampler::new(source_rate, spec.sample_rate_hz)?)
        };
        Ok(Self {
            resampler,
            spectrogram: Spectrogram {
                stft: Stft::new(spec.stft())?,
                filter_bank: MelFilterBank::new(&spec.filter_bank())?,
                log_floor: spec.log_floor,
                log_mel: vec![0.0; spec.mel_bands],
                arch: Arch::new(),
            },
            samples_repaired: 0,
        })
    }

    /// Takes any number of samples and calls `on_frame` with each frame they complete.
    ///
    /// A sample that is not finite, or absurdly large, counts as zero and is counted.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let mut piece = [0.0f32; PIECE_SAMPLES];
        for chunk in samples.chunks(PIECE_SAMPLES) {
            let piece = &mut piece[..chunk.len()];
            piece.copy_from_slice(chunk);
            for sample in piece.iter_mut() {
                if !is_sound(*sample) {
                    *sample = 0.0;
                    self.samples_repaired += 1;
                }
            }
            self.push_sound(piece, on_frame);
        }
    }

    /// Ends the source: frames that the resampler still held come out, none that would need samples after the end.
    pub fn flush(&mut self, on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { resampler, spectrogram, .. } = self;
        if let Some(resampler) = resampler {
            resampler.flush(&mut |samples| spectrogram.push(samples, on_frame));
        }
        self.reset();
    }

    /// Samples after the last one of a frame that have to come before the frame does; a block of the resampler may have to be
    /// filled on top of that.
    pub fn look_ahead(&self) -> u64 {
        self.resampler.as_ref().map_or(0, Resampler::look_ahead)
    }

    /// Forgets all samples; the next one pushed is the first of a frame.
    pub fn reset(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.spectrogram.stft.reset();
    }

    /// Samples replaced by zero since the front end was made.
    pub fn samples_repaired(&self) -> u64 {
        self.samples_repaired
    }

    fn push_sound(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { resampler, spectrogram, .. } = self;
        match resampler {
            Some(resampler) => {
                resampler.push(samples, &mut |samples| spectrogram.push(samples, on_frame));
            }
            None => spectrogram.push(samples, on_frame),
        }
    }
}

impl Spectrogram {
    fn push(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { stft, filter_bank, log_floor, log_mel, arch } = self;
        stft.push(samples, &mut |power, mean_power| {
            arch.dispatch(ToLogMel { filter_bank, power, log_floor: *log_floor, log_mel });
            on_frame(Frame { log_mel, mean_power });
        });
    }
}

/// Power spectrum to log-mel; several bands at a time, as what is inlined into `with_simd` is.
struct ToLogMel<'a> {
    filter_bank: &'a MelFilterBank,
    power: &'a [f32],
    log_floor: f32,
    log_mel: &'a mut [f32],
}

impl WithSimd for ToLogMel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.filter_bank.apply_into(self.power, self.log_mel);
        powers_to_db(self.log_mel, self.log_floor);
    }
}
