//! Every number that training depends on, besides the front end and the network's sizes.

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSpec {
    /// Passes over the training clips; each clip gives one random window a pass.
    pub epochs: usize,
    /// Epochs between two validations; the last epoch is always validated.
    pub validate_every: usize,
    /// Windows a step.
    pub batch: usize,
    /// Peak of the one-cycle learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay of AdamW.
    pub weight_decay: f64,
    /// Share of features and outputs left out while training.
    pub dropout: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Gain added to a window, in dB, drawn evenly from this range.
    pub gain_db: (f32, f32),
    /// Share of windows that another one is mixed into.
    pub mixup: f32,
    /// Shift along the mel bands, at most this many either way.
    pub band_shift: usize,
    /// Masks of bands and of frames: how many of each.
    pub masks: usize,
    /// Widest mask of bands.
    pub mask_bands: usize,
    /// Widest mask of frames.
    pub mask_frames: usize,
    /// Share of a batch that is background, which carries no label.
    pub background: f32,
}

impl Default for TrainingSpec {
    /// What the shipped bundle is trained with.
    fn default() -> Self {
        Self {
            epochs: 200,
            validate_every: 5,
            batch: 16,
            learning_rate: 2e-3,
            weight_decay: 0.02,
            dropout: 0.2,
            seed: 1,
            gain_db: (-20.0, 6.0),
            mixup: 0.5,
            band_shift: 2,
            masks: 2,
            mask_bands: 6,
            mask_frames: 12,
            background: 0.08,
        }
    }
}

impl TrainingSpec {
    /// One-cycle schedule: a linear rise over the first tenth of the steps, then a half cosine down to nothing.
    ///
    /// # Source
    /// L. N. Smith and N. Topin, "Super-Convergence" (2018), with a cosine for the second phase.
    pub fn learning_rate_at(&self, step: usize, steps: usize) -> f64 {
        let rise = (steps / 10).max(1);
        if step < rise {
            self.learning_rate * (step + 1) as f64 / rise as f64
        } else {
            let progress = (step - rise) as f64 / (steps - rise).max(1) as f64;
            self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_to_its_peak_and_ends_at_nothing() {
        let spec = TrainingSpec::default();
        let rates: Vec<f64> = (0..1000).map(|step| spec.learning_rate_at(step, 1000)).collect();
        let peak = rates.iter().copied().fold(0.0, f64::max);
        assert_eq!(peak, spec.learning_rate);
        assert!(rates[0] < peak / 50.0 && rates[999] < peak / 1000.0);
    }
}
