//! Samples at the source's rate → log-mel frames. Fed with any chunks; feeds the normaliser and, in training, the dataset.

use super::{FeatureError, FrontEndSpec};
use crate::domain::SampleRate;
use crate::dsp::{MelFilterBank, Resampler, Stft};

/// A sample further from zero than this is not sound but a broken number: 60 dB above full scale.
const ABSURD_SAMPLE: f32 = 1000.0;

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
pub struct FrontEnd {
    resampler: Option<Resampler>,
    stft: Stft,
    filter_bank: MelFilterBank,
    log_floor: f32,
    log_mel: Vec<f32>,
    samples_repaired: u64,
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
            stft: Stft::new(spec.stft())?,
            filter_bank: MelFilterBank::new(&spec.filter_bank())?,
            log_floor: spec.log_floor,
            log_mel: vec![0.0; spec.mel_bands],
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
                // written so that NaN fails
                let sound = sample.abs() <= ABSURD_SAMPLE;
                if !sound {
                    *sample = 0.0;
                    self.samples_repaired += 1;
                }
            }
            self.push_sound(piece, on_frame);
        }
    }

    /// Ends the source: frames that the resampler still held come out, none that would need samples after the end.
    pub fn flush(&mut self, on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { resampler, stft, filter_bank, log_floor, log_mel, .. } = self;
        if let Some(resampler) = resampler {
            resampler.flush(&mut |samples| {
                stft.push(samples, &mut |power, mean_power| {
                    to_log_mel(filter_bank, power, *log_floor, log_mel);
                    on_frame(Frame { log_mel, mean_power });
                });
            });
        }
        self.reset();
    }

    /// Forgets all samples; the next one pushed is the first of a frame.
    pub fn reset(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.stft.reset();
    }

    /// Samples replaced by zero since the front end was made.
    pub fn samples_repaired(&self) -> u64 {
        self.samples_repaired
    }

    fn push_sound(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(Frame<'_>)) {
        let Self { resampler, stft, filter_bank, log_floor, log_mel, .. } = self;
        let mut transform = |samples: &[f32]| {
            stft.push(samples, &mut |power, mean_power| {
                to_log_mel(filter_bank, power, *log_floor, log_mel);
                on_frame(Frame { log_mel, mean_power });
            });
        };
        match resampler {
            Some(resampler) => resampler.push(samples, &mut transform),
            None => transform(samples),
        }
    }
}

fn to_log_mel(bank: &MelFilterBank, power: &[f32], log_floor: f32, log_mel: &mut [f32]) {
    bank.apply_into(power, log_mel);
    for energy in log_mel {
        *energy = 10.0 * energy.max(log_floor).log10();
    }
}
