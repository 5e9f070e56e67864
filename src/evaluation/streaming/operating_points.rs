//! How much is found at a price in false alarms: all thresholds moved together. Fed scored scenes by the evaluation; runs
//! on the caller's thread and rayon's.

use rayon::prelude::*;
use serde::Serialize;

use super::{FalseAlarmFigures, MatchRule, SceneDetections, ScoredScene, StreamingFigures};
use crate::evaluation::{DetectionRules, EvaluationError};
use crate::recognition::{ModelTraits, Thresholds};

/// Quarters of an octave by which the odds of every threshold are moved: from a sixteenth to 1024 times.
const QUARTER_OCTAVES: std::ops::RangeInclusive<i32> = -16..=40;

/// The best recall at a rate of false alarms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// False alarms an hour that are allowed.
    pub allowed_per_hour: f64,
    /// What the odds of the model's thresholds, t / (1 − t), are multiplied with there; none where no factor tried stays
    /// within the rate.
    pub threshold_odds: Option<f64>,
    /// Share of the true events that are detected, at most a second before they begin or after they end.
    pub recall: Option<f64>,
    /// False alarms counted there.
    pub alarms: Option<usize>,
    /// False alarms an hour there.
    pub per_hour: Option<f64>,
}

/// For each rate the factor with the most recall, both counted under the same thresholds: recall in the scenes that have
/// true events, false alarms in all the others.
///
/// # Errors
/// As [`ScoredScene::replay`].
pub fn operating_points(
    scenes: &[&ScoredScene],
    model: &ModelTraits,
    rules: &DetectionRules,
    rates_per_hour: &[f64],
) -> Result<Vec<OperatingPoint>, EvaluationError> {
    let try_out = |quarter: i32| {
        let odds = 2f64.powf(f64::from(quarter) / 4.0);
        let moved = moved(model, odds);
        let detections = scenes.iter().map(|scene| scene.replay(&moved, rules));
        let detections = detections.collect::<Result<Vec<SceneDetections>, _>>()?;
        let (quiet, eventful): (Vec<_>, Vec<_>) =
            detections.into_iter().partition(|scene| scene.truth.is_empty());
        let recall = StreamingFigures::new(&model.labels, &eventful, MatchRule::within()).recall;
        Ok((odds, recall, FalseAlarmFigures::new(&model.labels, &quiet)))
    };
    let tried: Vec<(f64, Option<f64>, FalseAlarmFigures)> =
        QUARTER_OCTAVES.into_par_iter().map(try_out).collect::<Result<_, EvaluationError>>()?;
    let point = |&allowed_per_hour: &f64| {
        let within = tried
            .iter()
            .filter(|(.., alarms)| alarms.per_hour.is_some_and(|rate| rate <= allowed_per_hour));
        // of equals the first: the lowest thresholds
        let best = within.reduce(|best, other| if other.1 > best.1 { other } else { best });
        OperatingPoint {
            allowed_per_hour,
            threshold_odds: best.map(|(odds, ..)| *odds),
            recall: best.and_then(|(_, recall, _)| *recall),
            alarms: best.map(|(.., alarms)| alarms.alarms),
            per_hour: best.and_then(|(.., alarms)| alarms.per_hour),
        }
    };
    Ok(rates_per_hour.iter().map(point).collect())
}

/// The model with the odds of its thresholds multiplied.
fn moved(model: &ModelTraits, odds: f64) -> ModelTraits {
    let moved = |threshold: f32| {
        let threshold = f64::from(threshold);
        let moved = odds * threshold / (1.0 - threshold);
        (moved / (1.0 + moved)) as f32
    };
    let thresholds = model
        .thresholds
        .iter()
        .map(|thresholds| Thresholds { on: moved(thresholds.on), off: moved(thresholds.off) });
    ModelTraits { non_events: Vec::new(), thresholds: thresholds.collect(), ..model.clone() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::LabelSet;

    #[test]
    fn odds_move_a_threshold_without_leaving_its_range() {
        let thresholds = vec![Thresholds { on: 0.5, off: 0.25 }];
        let labels = LabelSet::new(&["dog"]).unwrap();
        let model = ModelTraits {
            non_events: Vec::new(),
            labels,
            thresholds,
            hop: Duration::from_millis(80),
        };
        let of = |odds| moved(&model, odds).thresholds[0];
        assert_eq!(of(1.0), model.thresholds[0]);
        assert_eq!((of(3.0).on, of(3.0).off), (0.75, 0.5));
        assert!(of(64.0).on < 1.0 && of(1.0 / 16.0).off > 0.0);
    }
}
