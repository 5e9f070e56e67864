//! Mean and deviation of each band over the training clips. Fed with their features, gives the bundle's normaliser.

use super::ClipFeatures;
use super::clip_features::SOUNDING_POWER;
use crate::features::Normaliser;

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
