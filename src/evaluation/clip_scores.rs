//! Scores of every window of a labelled clip, through the live path. Feeds the metrics and the choice of thresholds.

use std::ops::ControlFlow;

use crate::domain::{Clip, Scores};
use crate::features::{FeatureError, FeaturiserSpec};
use crate::offline::for_each_window;
use crate::recognition::{Scorer, ScorerError};

/// A window this much quieter than its clip's loudest, or below −70 dBFS, does not carry the clip's label: published
/// clips are padded with silence, and a tenth of a sound's energy is its edge.
const EDGE_DB: f32 = 10.0;
const SILENCE_DBFS: f32 = -70.0;

/// One window's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowScore {
    /// One score per label.
    pub scores: Vec<f32>,
    /// Level of the window.
    pub level_dbfs: f32,
}

/// The windows of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipScores {
    /// The label it is known to have.
    pub label: usize,
    /// In order of time, one window hop apart.
    pub windows: Vec<WindowScore>,
}

/// A clip that cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The front end cannot be computed at the clip's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
}

/// Scores every window of a clip; `segment` must differ from clip to clip.
///
/// # Errors
/// [`EvaluationError`] when the clip's rate cannot be resampled or the scorer fails.
pub fn score_clip(
    (clip, label): (&Clip, usize),
    segment: u64,
    featuriser: &FeaturiserSpec,
    scorer: &mut dyn Scorer,
) -> Result<ClipScores, EvaluationError> {
    let mut windows = Vec::new();
    let mut failure = None;
    let mut scores = [Scores::zeros(scorer.labels().len())];
    for_each_window(clip, featuriser, &mut |window, _| {
        window.segment = segment;
        match scorer.score_into(std::slice::from_ref(window), &mut scores) {
            Ok(()) => {
                let scores = scores[0].0.clone();
                windows.push(WindowScore { scores, level_dbfs: window.level_dbfs });
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(ClipScores { label, windows }),
    }
}

impl ClipScores {
    /// The windows that carry the clip's label; all of them when the whole clip is silent.
    pub fn labelled(&self) -> impl Iterator<Item = &WindowScore> {
        let loudest = self.windows.iter().map(|window| window.level_dbfs).fold(-120.0, f32::max);
        let enough = (loudest - EDGE_DB).max(SILENCE_DBFS).min(loudest);
        self.windows.iter().filter(move |window| window.level_dbfs >= enough)
    }

    /// Mean score of each label over the windows that carry the clip's.
    pub fn mean(&self) -> Vec<f32> {
        let mut sum = vec![0.0; self.windows.first().map_or(0, |window| window.scores.len())];
        let mut windows = 0.0f32;
        for window in self.labelled() {
            windows += 1.0;
            for (sum, score) in sum.iter_mut().zip(&window.scores) {
                *sum += score;
            }
        }
        sum.iter().map(|sum| sum / windows.max(1.0)).collect()
    }

    /// For each label the highest score that two neighbouring windows both reach: close to what the detector, with its
    /// usual 2 of 3, could confirm. It leaves out the smoothing, which the configuration sets and a model does not know.
    pub fn confirmed(&self) -> Vec<f32> {
        let labels = self.windows.first().map_or(0, |window| window.scores.len());
        let score = |window: usize, label: usize| self.windows[window].scores[label];
        (0..labels)
            .map(|label| match self.windows.len() {
                1 => score(0, label),
                windows => (1..windows)
                    .map(|window| score(window, label).min(score(window - 1, label)))
                    .fold(0.0, f32::max),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(windows: &[(f32, f32)]) -> ClipScores {
        let window = |&(score, level_dbfs): &(f32, f32)| WindowScore {
            scores: vec![score, 1.0 - score],
            level_dbfs,
        };
        ClipScores { label: 0, windows: windows.iter().map(window).collect() }
    }

    #[test]
    fn silence_after_a_sound_does_not_count() {
        let clip = clip(&[(0.8, -20.0), (0.6, -29.0), (0.0, -31.0), (0.0, -120.0)]);
        assert_eq!(clip.labelled().count(), 2);
        assert!((clip.mean()[0] - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_silent_clip_still_has_windows() {
        assert_eq!(clip(&[(0.1, -120.0), (0.1, -120.0)]).labelled().count(), 2);
    }

    #[test]
    fn one_high_window_alone_confirms_nothing() {
        assert_eq!(clip(&[(0.1, -20.0), (0.9, -20.0), (0.2, -20.0)]).confirmed()[0], 0.2);
    }
}
