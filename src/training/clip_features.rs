//! Recordings → log-mel frames, through the live front end, and the mean and deviation of their bands. Feeds the batches and the validation; kept by the cache.

use super::TrainingError;
use crate::domain::Clip;
use crate::dsp::power_to_dbfs;
use crate::features::{Frame, FrontEnd, FrontEndSpec, Normaliser};
use crate::offline::labelled_windows;

/// A frame whose mean power is below this (−70 dBFS) does not sound: many published clips are padded with zeros.
pub(super) const SOUNDING_POWER: f32 = 1e-7;

/// Silence is pushed in pieces of this many samples.
const SILENCE: [f32; 256] = [0.0; 256];

/// The frames of one recording, before normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFeatures {
    /// Its label; none for background.
    pub label: Option<usize>,
    /// Log-mel energies in dB, `[frames, mel_bands]`.
    pub log_mel: Vec<f32>,
    /// Mean power of each frame's samples, `[frames]`; full scale is 1.
    pub powers: Vec<f32>,
}

/// The recordings of a training run, as features.
pub struct TrainingSet {
    /// Labelled clips to fit.
    pub train: Vec<ClipFeatures>,
    /// The same clips as rooms would sound them, once or several times over, in the order of `train`; or none.
    pub reverberant: Vec<ClipFeatures>,
    /// Clips of each label that is no event; no list is empty.
    pub non_events: Vec<Vec<ClipFeatures>>,
    /// Clips to measure on.
    pub validation: Vec<ClipFeatures>,
    /// Recordings that hold none of the labels.
    pub background: Vec<ClipFeatures>,
}

impl ClipFeatures {
    /// Runs the front end over a clip. One shorter than `window_samples` (at the model's rate) gets silence at its end.
    ///
    /// # Errors
    /// [`TrainingError::Features`] when the front end cannot be built for the clip's rate.
    pub fn new(
        clip: &Clip,
        label: Option<usize>,
        spec: &FrontEndSpec,
        window_samples: u64,
    ) -> Result<Self, TrainingError> {
        let mut features = Self { label, log_mel: Vec::new(), powers: Vec::new() };
        let mut front_end = FrontEnd::new(spec, clip.sample_rate)?;
        let mut keep = |frame: Frame<'_>| {
            features.log_mel.extend_from_slice(frame.log_mel);
            features.powers.push(frame.mean_power);
        };
        front_end.push(&clip.samples, &mut keep);
        let needed = (window_samples * u64::from(clip.sample_rate.hz()))
            .div_ceil(u64::from(spec.sample_rate_hz.hz()));
        let mut missing = needed.saturating_sub(clip.samples.len() as u64);
        while missing > 0 {
            let piece = missing.min(SILENCE.len() as u64);
            front_end.push(&SILENCE[..piece as usize], &mut keep);
            missing -= piece;
        }
        front_end.flush(&mut keep);
        Ok(features)
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.powers.len()
    }

    /// Bands of a frame.
    pub fn mel_bands(&self) -> usize {
        self.log_mel.len() / self.powers.len().max(1)
    }

    /// Mean power of the `frames` frames from `start` on, as the daemon computes a window's.
    pub fn power_of(&self, start: usize, frames: usize) -> f32 {
        self.powers[start..start + frames].iter().sum::<f32>() / frames as f32
    }

    /// Starts of the windows `hop_frames` apart, and whether each carries the clip's label: by the rule of the
    /// evaluation.
    pub fn windows(&self, window_frames: usize, hop_frames: usize) -> Vec<(usize, bool)> {
        let last = self.frames().saturating_sub(window_frames);
        let starts: Vec<usize> = (0..=last).step_by(hop_frames).collect();
        let levels: Vec<f32> = starts
            .iter()
            .map(|&start| power_to_dbfs(self.power_of(start, window_frames)))
            .collect();
        starts.into_iter().zip(labelled_windows(&levels)).collect()
    }

    /// Starts of all windows that carry the clip's label.
    pub fn labelled_starts(&self, window_frames: usize) -> Vec<usize> {
        let windows = self.windows(window_frames, 1).into_iter();
        windows.filter(|(_, labelled)| *labelled).map(|(start, _)| start).collect()
    }
}

/// Sums from which a normaliser is made; only frames that sound count.
#[derive(Debug, Clone)]
pub struct NormaliserFit {
    sum: Vec<f64>,
    squares: Vec<f64>,
    frames: f64,
}

impl NormaliserFit {
    /// Nothing summed yet.
    pub fn new(mel_bands: usize) -> Self {
        Self { sum: vec![0.0; mel_bands], squares: vec![0.0; mel_bands], frames: 0.0 }
    }

    /// Adds the sounding frames of a clip.
    pub fn add(&mut self, clip: &ClipFeatures) {
        let frames = clip.log_mel.chunks_exact(self.sum.len());
        for (frame, _) in frames.zip(&clip.powers).filter(|(_, power)| **power >= SOUNDING_POWER) {
            for ((sum, squares), &value) in self.sum.iter_mut().zip(&mut self.squares).zip(frame) {
                *sum += f64::from(value);
                *squares += f64::from(value) * f64::from(value);
            }
            self.frames += 1.0;
        }
    }

    /// Mean and deviation of each band; a band that never varies has deviation 1.
    pub fn normaliser(&self) -> Normaliser {
        let frames = self.frames.max(1.0);
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / frames).collect();
        let deviation = self.squares.iter().zip(&mean).map(|(squares, mean)| {
            let variance = squares / frames - mean * mean;
            if variance > 1e-6 { variance.sqrt() as f32 } else { 1.0 }
        });
        Normaliser {
            deviation: deviation.collect(),
            mean: mean.iter().map(|&mean| mean as f32).collect(),
        }
    }
}
