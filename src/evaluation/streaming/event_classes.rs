//! What became of the events of each class. Counted by `StreamingFigures`.

use serde::Serialize;

use super::{EventMatches, SceneDetections};
use crate::domain::LabelSet;
use crate::evaluation::metrics::share;

/// One class's events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventClassFigures {
    /// Its label.
    pub label: String,
    /// True events.
    pub events: usize,
    /// Those that were detected.
    pub hits: usize,
    /// Detected again while one went on; neither right nor wrong.
    pub fragments: usize,
    /// Detected without one.
    pub false_positives: usize,
    /// Hits among hits and false positives; none when there are neither.
    pub precision: Option<f64>,
    /// Hits among true events; none when there are no true events.
    pub recall: Option<f64>,
    /// Harmonic mean of the two; zero when nothing was right, none when there are no true events.
    pub f1: Option<f64>,
}

/// One class taken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Substitution {
    /// What there was.
    pub truth: String,
    /// What was detected instead.
    #[serde(rename = "said")]
    pub detected: String,
    /// How often.
    pub events: usize,
}

/// Counts the classes, in the order of the labels.
pub(super) fn count_classes(
    labels: &LabelSet,
    scenes: &[SceneDetections],
    matches: &[EventMatches],
) -> Vec<EventClassFigures> {
    let mut counts = vec![[0usize; 4]; labels.len()];
    for (scene, matches) in scenes.iter().zip(matches) {
        for event in &scene.truth {
            counts[event.label][0] += 1;
        }
        for hit in &matches.hits {
            counts[scene.truth[hit.truth].label][1] += 1;
        }
        for fragment in &matches.fragments {
            counts[scene.truth[fragment.truth].label][2] += 1;
        }
        for &detected in &matches.unfounded {
            counts[scene.detected[detected].label][3] += 1;
        }
    }
    let figures = |(label, [events, hits, fragments, false_positives]): (_, [usize; 4])| {
        let label: &std::sync::Arc<str> = label;
        let recall = share(hits, events);
        let f1 = recall.map(|_| share(2 * hits, events + hits + false_positives).unwrap_or(0.0));
        EventClassFigures {
            label: label.to_string(),
            events,
            hits,
            fragments,
            false_positives,
            precision: share(hits, hits + false_positives),
            recall,
            f1,
        }
    };
    labels.iter().zip(counts).map(figures).collect()
}

/// What was taken for what, most often first.
pub(super) fn count_substitutions(
    labels: &LabelSet,
    scenes: &[SceneDetections],
    matches: &[EventMatches],
) -> Vec<Substitution> {
    let mut counts = std::collections::BTreeMap::<(usize, usize), usize>::new();
    for (scene, matches) in scenes.iter().zip(matches) {
        for pair in &matches.substitutions {
            let labels = (scene.truth[pair.truth].label, scene.detected[pair.detected].label);
            *counts.entry(labels).or_default() += 1;
        }
    }
    let substitution = |((truth, detected), events)| Substitution {
        truth: labels.label(truth).to_string(),
        detected: labels.label(detected).to_string(),
        events,
    };
    let mut substitutions: Vec<Substitution> = counts.into_iter().map(substitution).collect();
    substitutions.sort_by_key(|substitution| std::cmp::Reverse(substitution.events));
    substitutions
}
