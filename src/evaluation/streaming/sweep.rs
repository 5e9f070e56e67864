//! The same scenes with other settings: what recall costs in false alarms. Fed recorded scenes by whoever chooses
//! defaults; runs on the caller's thread and rayon's.

use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;

use super::{FalseAlarmFigures, MatchRule, SceneDetections, ScoredScene, StreamingFigures};
use crate::evaluation::{DetectionRules, EvaluationError};
use crate::recognition::{ModelTraits, Thresholds};

/// Settings to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepChoice {
    /// What the model's thresholds, on and off, are multiplied with; none goes beyond 0.99.
    pub threshold_scale: f32,
    /// Smoothing and confirmation.
    pub rules: DetectionRules,
}

/// What settings come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// What the model's thresholds were multiplied with.
    pub threshold_scale: f32,
    /// Time constant of the smoothing.
    pub smoothing_ms: u64,
    /// Windows that had to agree.
    pub confirm_windows: usize,
    /// Of how many.
    pub confirm_of: usize,
    /// Of true events; none without any.
    pub recall: Option<f64>,
    /// Of events detected in scenes with true events; none when nothing was detected.
    pub precision: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Median delay of the hits; none without a hit.
    pub median_delay_s: Option<f64>,
    /// In the scenes that hold no class; none without such a scene.
    pub false_alarms_per_hour: Option<f64>,
}

impl SweepChoice {
    /// Every combination, the rest of the rules being `rules`. `confirmations` are windows that agree, of how many.
    pub fn grid(
        rules: &DetectionRules,
        threshold_scales: &[f32],
        smoothings: &[Duration],
        confirmations: &[(usize, usize)],
    ) -> Vec<Self> {
        let mut choices = Vec::new();
        for &(confirm_windows, confirm_of) in confirmations {
            for &smoothing in smoothings {
                let mut rules = DetectionRules { smoothing, ..rules.clone() };
                rules.settings.confirm_windows = confirm_windows;
                rules.settings.confirm_of = confirm_of;
                choices.extend(
                    threshold_scales
                        .iter()
                        .map(|&threshold_scale| Self { threshold_scale, rules: rules.clone() }),
                );
            }
        }
        choices
    }

    /// The model with its thresholds multiplied.
    fn scaled(&self, model: &ModelTraits) -> ModelTraits {
        let scaled = |threshold: f32| (threshold * self.threshold_scale).min(0.99);
        let thresholds = model.thresholds.iter().map(|thresholds| Thresholds {
            on: scaled(thresholds.on),
            off: scaled(thresholds.off),
        });
        ModelTraits { non_events: Vec::new(), thresholds: thresholds.collect(), ..model.clone() }
    }
}

/// Replays every scene with every choice; scenes with true events give recall and precision, those without false alarms.
///
/// # Errors
/// [`EvaluationError::Detector`] for a choice that contradicts itself or the model.
pub fn sweep(
    scenes: &[ScoredScene],
    model: &ModelTraits,
    choices: &[SweepChoice],
    rule: MatchRule,
) -> Result<Vec<SweepPoint>, EvaluationError> {
    let try_out = |choice: &SweepChoice| {
        let model = choice.scaled(model);
        let detections = scenes.iter().map(|scene| scene.replay(&model, &choice.rules));
        let detections = detections.collect::<Result<Vec<SceneDetections>, _>>()?;
        let (quiet, eventful): (Vec<_>, Vec<_>) =
            detections.into_iter().partition(|scene| scene.truth.is_empty());
        let figures = StreamingFigures::new(&model.labels, &eventful, rule);
        let rules = &choice.rules;
        Ok(SweepPoint {
            threshold_scale: choice.threshold_scale,
            smoothing_ms: u64::try_from(rules.smoothing.as_millis()).unwrap_or(u64::MAX),
            confirm_windows: rules.settings.confirm_windows,
            confirm_of: rules.settings.confirm_of,
            recall: figures.recall,
            precision: figures.precision,
            f1: figures.f1,
            median_delay_s: figures.delay.map(|delay| delay.median_s),
            false_alarms_per_hour: FalseAlarmFigures::new(&model.labels, &quiet).per_hour,
        })
    };
    choices.par_iter().map(try_out).collect()
}
