//! Events in sound that holds no class. Pure; runs wherever it is called.

use serde::Serialize;

use super::HeardScene;
use crate::domain::LabelSet;

/// What was said where there was nothing to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FalseAlarmFigures {
    /// Length of the sound that holds no class.
    pub seconds: f64,
    /// Events that began in it.
    pub alarms: usize,
    /// Events an hour; none without any sound.
    pub per_hour: Option<f64>,
    /// The labels that were said, most often first.
    pub by_label: Vec<LabelAlarms>,
}

/// One label's false alarms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelAlarms {
    /// The label.
    pub label: String,
    /// Events that began.
    pub alarms: usize,
}

impl FalseAlarmFigures {
    /// Counts the events of those scenes in which nothing true is; scenes with true events are left out.
    pub fn new(labels: &LabelSet, scenes: &[HeardScene]) -> Self {
        let mut counts = vec![0; labels.len()];
        let mut seconds = 0.0;
        for scene in scenes.iter().filter(|scene| scene.truth.is_empty()) {
            seconds += scene.seconds();
            for detected in &scene.detected {
                counts[detected.label] += 1;
            }
        }
        let alarms: usize = counts.iter().sum();
        let said = labels.iter().zip(counts).filter(|(_, alarms)| *alarms > 0);
        let mut by_label: Vec<LabelAlarms> =
            said.map(|(label, alarms)| LabelAlarms { label: label.to_string(), alarms }).collect();
        by_label.sort_by_key(|label| std::cmp::Reverse(label.alarms));
        let per_hour = (seconds > 0.0).then(|| alarms as f64 * 3600.0 / seconds);
        Self { seconds, alarms, per_hour, by_label }
    }
}
