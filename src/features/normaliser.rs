//! Brings each mel band to zero mean and unit deviation, by numbers fixed at training time.

use serde::{Deserialize, Serialize};

use super::FeatureError;

/// Mean and deviation of every band over the training set.
///
/// Fixed numbers, not those of the window at hand: a frame's values never depend on its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normaliser {
    /// Mean of each band in dB, `[mel_bands]`.
    pub mean: Vec<f32>,
    /// Standard deviation of each band in dB, `[mel_bands]`.
    pub deviation: Vec<f32>,
}

impl Normaliser {
    /// The same mean and deviation for each band.
    pub fn uniform(mean: f32, deviation: f32, mel_bands: usize) -> Self {
        Self { mean: vec![mean; mel_bands], deviation: vec![deviation; mel_bands] }
    }

    /// Checks that there is one usable pair a band.
    ///
    /// # Errors
    /// [`FeatureError::NormaliserLength`] or [`FeatureError::NormaliserValue`].
    pub fn check(&self, mel_bands: usize) -> Result<(), FeatureError> {
        if self.mean.len() != mel_bands || self.deviation.len() != mel_bands {
            return Err(FeatureError::NormaliserLength {
                means: self.mean.len(),
                deviations: self.deviation.len(),
                mel_bands,
            });
        }
        for (band, (&mean, &deviation)) in self.mean.iter().zip(&self.deviation).enumerate() {
            if !(mean.is_finite() && deviation.is_normal() && deviation > 0.0) {
                return Err(FeatureError::NormaliserValue { band, mean, deviation });
            }
        }
        Ok(())
    }

    /// `(value − mean) / deviation` for each band.
    ///
    /// # Shapes
    /// `log_mel` and `normalised`: `[mel_bands]`.
    pub fn apply_into(&self, log_mel: &[f32], normalised: &mut [f32]) {
        let statistics = self.mean.iter().zip(&self.deviation);
        for ((out, &value), (&mean, &deviation)) in
            normalised.iter_mut().zip(log_mel).zip(statistics)
        {
            *out = (value - mean) / deviation;
        }
    }
}
