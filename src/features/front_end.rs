//! Samples at the source's rate → log-mel frames. Fed with any chunks; feeds the normaliser and, in training, the dataset.

use pulp::{Arch, Simd, WithSimd};

use super::{FeatureError, FrameValues, FrontEndSpec, LogScale};
use crate::domain::{SampleRate, is_sound};
use crate::dsp::{MelFilterBank, Resampler, Stft, powers_to_db, powers_to_ln, sum_of_products};

/// Samples repaired at a time, on the stack.
const PIECE_SAMPLES: usize = 256;

/// One frame, lent to the callback.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Log-mel energies, `[mel_bands]`, in the description's own scale, before normalisation; the samples themselves where the
    /// description asks for them.
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
    frames: Frames,
    samples_repaired: u64,
}

/// What is behind the resampler; apart, so that the resampler can call it while it is borrowed.
enum Frames {
    LogMel(Box<Spectrogram>),
    Samples(SampleFrames),
}

/// Frames of samples as they are.
struct SampleFrames {
    /// The samples of the frame being filled.
    pending: Vec<f32>,
    frame_samples: usize,
}

/// Frames of log-mel energies.
struct Spectrogram {
    stft: Stft,
    filter_bank: MelFilterBank,
    log_scale: LogScale,
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
            frames: match spec.values {
                FrameValues::LogMel => Frames::LogMel(Box::new(Spectrogram {
                    stft: Stft::new(spec.stft())?,
                    filter_bank: MelFilterBank::new(&spec.filter_bank())?,
                    log_scale: spec.log_scale,
                    log_floor: spec.log_floor,
                    log_mel: vec![0.0; spec.mel_bands],
                    arch: Arch::new(),
                })),
                FrameValues::Samples => Frames::Samples(SampleFrames {
                    pending: Vec::with_capacity(spec.frame_hop_samples),
                    frame_samples: spec.frame_hop_samples.max(1),
                }),
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
        let Self { resampler, frames, .. } = self;
        if let Some(resampler) = resampler {
            resampler.flush(&mut |samples| frames.push(samples, on_frame));
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
        match &mut self.frames {
            Frames::LogMel(spectrogram) => spectrogram.stft.reset(),
            Frames::Samples(frames) => frames.pending.clear(),
        }
    }

    /// Samples replaced by zero since the front end was made.
    pub fn samples_repaired(&self) -> u64 {
        self.samples_repaired
    }

    fn push_sound(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { resampler, frames, .. } = self;
        match resampler {
            Some(resampler) => {
                resampler.push(samples, &mut |samples| frames.push(samples, on_frame));
            }
            None => frames.push(samples, on_frame),
        }
    }
}

impl Frames {
    fn push(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        match self {
            Self::LogMel(spectrogram) => spectrogram.push(samples, on_frame),
            Self::Samples(frames) => frames.push(samples, on_frame),
        }
    }
}

impl SampleFrames {
    fn push(&mut self, mut samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        while !samples.is_empty() {
            let room = self.frame_samples - self.pending.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(now);
            samples = later;
            if self.pending.len() == self.frame_samples {
                let energy = sum_of_products(&self.pending, &self.pending);
                let mean_power = energy / self.frame_samples as f32;
                on_frame(Frame { log_mel: &self.pending, mean_power });
                self.pending.clear();
            }
        }
    }
}

impl Spectrogram {
    fn push(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { stft, filter_bank, log_scale, log_floor, log_mel, arch } = self;
        let (log_scale, log_floor) = (*log_scale, *log_floor);
        stft.push(samples, &mut |power, mean_power| {
            arch.dispatch(ToLogMel { filter_bank, power, log_scale, log_floor, log_mel });
            on_frame(Frame { log_mel, mean_power });
        });
    }
}

/// Power spectrum to log-mel; several bands at a time, as what is inlined into `with_simd` is.
struct ToLogMel<'a> {
    filter_bank: &'a MelFilterBank,
    power: &'a [f32],
    log_scale: LogScale,
    log_floor: f32,
    log_mel: &'a mut [f32],
}

impl WithSimd for ToLogMel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.filter_bank.apply_into(self.power, self.log_mel);
        match self.log_scale {
            LogScale::Decibel => powers_to_db(self.log_mel, self.log_floor),
            LogScale::NaturalOffset => powers_to_ln(self.log_mel, self.log_floor),
        }
    }
}
