//! Scores of every window of a recording, through the live path. Feeds the metrics and the choice of thresholds; runs
//! wherever it is called.

use std::ops::ControlFlow;

use super::EvaluationError;
use crate::domain::{Clip, SampleIndex, SampleRate, Scores};
use crate::features::FeaturiserSpec;
use crate::offline::{for_each_batch, labelled_windows};
use crate::recognition::Scorer;

/// One window's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowScore {
    /// First sample of the window, at the recording's rate.
    pub start_sample: SampleIndex,
    /// One past its last sample.
    pub end_sample: SampleIndex,
    /// One score per label, as the network gave it.
    pub scores: Vec<f32>,
    /// Level of the window.
    pub level_dbfs: f32,
}

/// The windows of one recording: a clip of a dataset, a piece of background, or a whole scene.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipScores {
    /// The label it is known to have; none for sound that holds no class, and for a scene, which holds many.
    pub label: Option<usize>,
    /// The rate that the windows' sample indices count at.
    pub sample_rate: SampleRate,
    /// In order of time, one window hop apart.
    pub windows: Vec<WindowScore>,
}

/// Scores every window of a clip.
///
/// # Errors
/// [`EvaluationError`] when the clip's rate cannot be resampled or the scorer fails.
pub fn score_clip(
    clip: &Clip,
    label: Option<usize>,
    featuriser: &FeaturiserSpec,
    scorer: &mut dyn Scorer,
) -> Result<ClipScores, EvaluationError> {
    let mut windows = Vec::new();
    let mut failure = None;
    let labels = scorer.labels().len();
    let mut scores = Vec::new();
    for_each_batch(clip, featuriser, &mut |batch, _| {
        scores.resize_with(batch.len(), || Scores::zeros(labels));
        if let Err(error) = scorer.score_into(batch, &mut scores) {
            failure = Some(error);
            return ControlFlow::Break(());
        }
        windows.extend(batch.iter().zip(&scores).map(|(window, scores)| WindowScore {
            start_sample: window.start_sample,
            end_sample: window.end_sample,
            scores: scores.values.clone(),
            level_dbfs: window.level_dbfs,
        }));
        ControlFlow::Continue(())
    })?;
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(ClipScores { label, sample_rate: clip.sample_rate, windows }),
    }
}

impl ClipScores {
    /// The windows that carry the recording's label; all of them when all of it is silent.
    pub fn labelled(&self) -> impl Iterator<Item = &WindowScore> {
        let levels: Vec<f32> = self.windows.iter().map(|window| window.level_dbfs).collect();
        let carries = labelled_windows(&levels);
        self.windows.iter().zip(carries).filter_map(|(window, carries)| carries.then_some(window))
    }

    /// Mean score of each label over the windows that carry the recording's; empty without windows.
    pub fn mean(&self) -> Vec<f32> {
        let mut sum = vec![0.0; self.labels()];
        let mut windows = 0.0f32;
        for window in self.labelled() {
            windows += 1.0;
            for (sum, score) in sum.iter_mut().zip(&window.scores) {
                *sum += score;
            }
        }
        sum.iter().map(|sum| sum / windows.max(1.0)).collect()
    }

    /// Labels that were scored; zero without windows.
    pub fn labels(&self) -> usize {
        self.windows.first().map_or(0, |window| window.scores.len())
    }

    /// Seconds from the start of the first window to the end of the last: what was listened to.
    pub fn seconds(&self) -> f64 {
        match (self.windows.first(), self.windows.last()) {
            (Some(first), Some(last)) => {
                let samples = last.end_sample.since(first.start_sample);
                self.sample_rate.duration_of(samples).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A recording at 16 kHz with a window of two seconds every 80 ms, of the scores and levels given.
    pub(in crate::evaluation) fn clip(
        label: Option<usize>,
        windows: &[(Vec<f32>, f32)],
    ) -> ClipScores {
        let windows = windows.iter().enumerate().map(|(index, (scores, level_dbfs))| WindowScore {
            start_sample: SampleIndex(index as u64 * 1_280),
            end_sample: SampleIndex(index as u64 * 1_280 + 32_000),
            scores: scores.clone(),
            level_dbfs: *level_dbfs,
        });
        ClipScores {
            label,
            sample_rate: SampleRate::new(16_000).unwrap(),
            windows: windows.collect(),
        }
    }

    /// One audible window after another with these scores of a single label.
    pub(in crate::evaluation) fn track(label: Option<usize>, scores: &[f32]) -> ClipScores {
        let windows: Vec<_> = scores.iter().map(|score| (vec![*score], -20.0)).collect();
        clip(label, &windows)
    }

    #[test]
    fn silence_after_a_sound_does_not_count() {
        let of = |score: f32, level: f32| (vec![score, 1.0 - score], level);
        let windows = [of(0.8, -20.0), of(0.6, -29.0), of(0.0, -31.0), of(0.0, -120.0)];
        let clip = clip(Some(0), &windows);
        assert_eq!(clip.labelled().count(), 2);
        assert!((clip.mean()[0] - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_silent_clip_still_has_windows() {
        let clip = clip(Some(0), &[(vec![0.1], -120.0), (vec![0.1], -120.0)]);
        assert_eq!(clip.labelled().count(), 2);
    }

    #[test]
    fn the_covered_audio_reaches_from_the_first_window_to_the_last() {
        assert_eq!(track(None, &[0.1; 26]).seconds(), 4.0);
        assert_eq!(track(None, &[]).seconds(), 0.0);
    }
}
