//! How scores become events, as the daemon does it unless configured otherwise. Read by the choice of thresholds and by the
//! streaming metrics; runs wherever it is called.

use std::time::Duration;

use super::{ClipScores, EvaluationError};
use crate::recognition::{DetectorSettings, DetectorSpec, ModelTraits, Smoother};

/// Everything between scores and events but the thresholds, which are the model's.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionRules {
    /// Time constant of the smoothing.
    pub smoothing: Duration,
    /// When events begin and end.
    pub settings: DetectorSettings,
}

impl Default for DetectionRules {
    /// What the configuration has unless a file says otherwise: 150 ms, two of three windows.
    fn default() -> Self {
        Self { smoothing: Duration::from_millis(150), settings: DetectorSettings::default() }
    }
}

impl DetectionRules {
    /// The detector for a model.
    ///
    /// # Errors
    /// [`EvaluationError::Detector`] with everything that contradicts.
    pub fn detector(&self, model: &ModelTraits) -> Result<DetectorSpec, EvaluationError> {
        DetectorSpec::new(model, self.settings.clone()).map_err(EvaluationError::Detector)
    }

    /// For each label the highest on-threshold at which the detector would begin an event of it in this recording;
    /// zero for none, and empty without windows.
    ///
    /// That is the highest smoothed score that a window and enough of the windows just before it all reach. In a
    /// recording of fewer windows than have to agree, all must agree: live, the sound would go on into more.
    pub fn highest_threshold(&self, clip: &ClipScores) -> Vec<f32> {
        let smoothed = self.smoothed(clip);
        let of = self.settings.confirm_of.max(1);
        let agreeing = self.settings.confirm_windows.clamp(1, smoothed.len().max(1));
        let mut highest = vec![0.0f32; clip.labels()];
        let mut recent = Vec::with_capacity(of);
        for newest in 0..smoothed.len() {
            for (label, highest) in highest.iter_mut().enumerate() {
                let from = (newest + 1).saturating_sub(of);
                recent.clear();
                recent.extend(smoothed[from..=newest].iter().map(|scores| scores[label]));
                if recent.len() < agreeing {
                    continue;
                }
                recent.sort_unstable_by(|a, b| b.total_cmp(a));
                let confirmed = recent[agreeing - 1].min(smoothed[newest][label]);
                *highest = highest.max(confirmed);
            }
        }
        highest
    }

    /// `[windows][labels]`: the scores as the detector sees them, smoothed by the daemon's own smoother.
    pub(super) fn smoothed(&self, clip: &ClipScores) -> Vec<Vec<f32>> {
        let mut smoother = Smoother::new(clip.labels(), self.smoothing, clip.sample_rate);
        let silence = vec![0.0; clip.labels()];
        let mut smooth = |window: &super::WindowScore| {
            // below the minimum level a window counts as nothing, before the smoothing and after it
            let audible = window.level_dbfs >= self.settings.min_level_dbfs;
            let scores = if audible { &window.scores } else { &silence };
            let smoothed = smoother.push(window.end_sample, scores);
            if audible { smoothed.to_vec() } else { silence.clone() }
        };
        clip.windows.iter().map(&mut smooth).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clip_scores::tests::{clip, track};
    use super::*;

    fn rules(smoothing_ms: u64, confirm_windows: usize, confirm_of: usize) -> DetectionRules {
        DetectionRules {
            smoothing: Duration::from_millis(smoothing_ms),
            settings: DetectorSettings { confirm_windows, confirm_of, ..Default::default() },
        }
    }

    #[test]
    fn one_high_window_alone_confirms_nothing_two_of_three_do() {
        let highest = |scores: &[f32]| rules(0, 2, 3).highest_threshold(&track(None, scores))[0];
        assert_eq!(highest(&[0.1, 0.9, 0.2]), 0.2);
        assert_eq!(highest(&[0.1, 0.9, 0.2, 0.8]), 0.8);
        // three windows apart is too far
        assert_eq!(highest(&[0.9, 0.2, 0.1, 0.8]), 0.2);
    }

    #[test]
    fn a_clip_of_one_window_is_taken_at_its_word() {
        assert_eq!(rules(0, 2, 3).highest_threshold(&track(None, &[0.7])), [0.7]);
        assert!(rules(0, 2, 3).highest_threshold(&track(None, &[])).is_empty());
    }

    #[test]
    fn smoothing_lowers_a_short_peak_by_the_smoothers_own_weight() {
        let highest = rules(80, 1, 1).highest_threshold(&track(None, &[0.0, 1.0, 0.0]))[0];
        assert!((f64::from(highest) - (1.0 - (-1.0f64).exp())).abs() < 1e-6, "{highest}");
    }

    #[test]
    fn what_is_below_the_minimum_level_counts_as_nothing() {
        let quiet = clip(None, &[(vec![0.9], -80.0), (vec![0.9], -80.0), (vec![0.4], -20.0)]);
        assert_eq!(rules(0, 1, 3).highest_threshold(&quiet), [0.4]);
    }
}
