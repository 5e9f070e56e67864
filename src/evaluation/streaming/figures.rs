//! How well events are detected in scenes: precision, recall and F1, and how soon. Pure; runs wherever it is called.

use serde::Serialize;

use super::event_classes::{count_classes, count_substitutions};
use super::{
    EventClassFigures, EventMatches, MatchRule, SceneDetections, Substitution, match_events,
};
use crate::domain::LabelSet;
use crate::evaluation::metrics::{mean, share};

/// How well the events of some scenes were detected.
///
/// Micro averages count every event alike, macro averages every class that has events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamingFigures {
    /// When an detected event is right.
    pub rule: MatchRule,
    /// Length of the scenes.
    pub seconds: f64,
    /// True events.
    pub events: usize,
    /// Those that were detected.
    pub hits: usize,
    /// Detected again while one went on; neither right nor wrong.
    pub fragments: usize,
    /// Detected without one, or with another label.
    pub false_positives: usize,
    /// Hits among hits and false positives; none when there are neither.
    pub precision: Option<f64>,
    /// Hits among true events; none without true events.
    pub recall: Option<f64>,
    /// Harmonic mean of the two: `2 · hits / (events + hits + false positives)`; none without true events.
    pub f1: Option<f64>,
    /// Mean of the classes' precisions; zero for a class that has events and was never detected.
    pub macro_precision: f64,
    /// Mean of the classes' recalls.
    pub macro_recall: f64,
    /// Mean of the classes' F1.
    pub macro_f1: f64,
    /// How long a true event went on before it was detected; none without a hit.
    pub delay: Option<DelayFigures>,
    /// Each class, in the order of the labels.
    pub classes: Vec<EventClassFigures>,
    /// What was taken for what, most often first.
    pub substitutions: Vec<Substitution>,
}

/// From the true start of an event to the last sample of the window that confirmed it. What computing takes comes
/// on top: milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DelayFigures {
    /// Hits measured.
    pub hits: usize,
    /// Half of them were detected sooner, in seconds.
    pub median_s: f64,
    /// Nine tenths of them were detected sooner, in seconds. Between two hits it lies where a straight line puts it.
    pub p90_s: f64,
    /// All of them, rising, in seconds.
    pub delays_s: Vec<f64>,
}

impl StreamingFigures {
    /// Matches and counts.
    pub fn new(labels: &LabelSet, scenes: &[SceneDetections], rule: MatchRule) -> Self {
        let matches: Vec<EventMatches> =
            scenes.iter().map(|scene| match_events(scene, rule)).collect();
        let classes = count_classes(labels, scenes, &matches);
        let sum = |of: fn(&EventClassFigures) -> usize| classes.iter().map(of).sum::<usize>();
        let (events, hits) = (sum(|class| class.events), sum(|class| class.hits));
        let false_positives = sum(|class| class.false_positives);
        let recall = share(hits, events);
        let present = || classes.iter().filter(|class| class.events > 0);
        Self {
            rule,
            seconds: scenes.iter().map(SceneDetections::seconds).sum(),
            events,
            hits,
            fragments: sum(|class| class.fragments),
            false_positives,
            precision: share(hits, hits + false_positives),
            recall,
            f1: recall.map(|_| share(2 * hits, events + hits + false_positives).unwrap_or(0.0)),
            macro_precision: mean(present().map(|class| class.precision.unwrap_or(0.0))),
            macro_recall: mean(present().filter_map(|class| class.recall)),
            macro_f1: mean(present().filter_map(|class| class.f1)),
            delay: DelayFigures::new(delays(scenes, &matches)),
            substitutions: count_substitutions(labels, scenes, &matches),
            classes,
        }
    }
}

/// Seconds from each true start to the end of the window that confirmed it; below zero where a false alarm came just
/// before and was taken for the event.
fn delays(scenes: &[SceneDetections], matches: &[EventMatches]) -> Vec<f64> {
    let of = |(scene, matches): (&SceneDetections, &EventMatches)| {
        let seconds = |sample| scene.sample_rate.seconds_at(sample);
        let delay = |hit: &super::EventMatch| {
            let confirmed_at = scene.detected[hit.detected].confirmed_at;
            seconds(confirmed_at) - seconds(scene.truth[hit.truth].start_sample)
        };
        matches.hits.iter().map(delay).collect::<Vec<f64>>()
    };
    scenes.iter().zip(matches).flat_map(of).collect()
}

impl DelayFigures {
    fn new(mut delays: Vec<f64>) -> Option<Self> {
        delays.sort_by(f64::total_cmp);
        let (median_s, p90_s) = (quantile(&delays, 0.5)?, quantile(&delays, 0.9)?);
        Some(Self { hits: delays.len(), median_s, p90_s, delays_s: delays })
    }
}

/// Of sorted values; between two of them by a straight line (Hyndman and Fan's definition 7, numpy's default).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    Some(sorted[low] + part * (sorted[high] - sorted[low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values_and_there_are_none_of_nothing() {
        let delays = DelayFigures::new(vec![2.0, 1.0, 4.0, 3.0]).unwrap();
        assert_eq!((delays.hits, delays.median_s), (4, 2.5));
        assert!((delays.p90_s - 3.7).abs() < 1e-12);
        let one = DelayFigures::new(vec![0.5]).unwrap();
        assert_eq!((one.median_s, one.p90_s), (0.5, 0.5));
        assert_eq!(DelayFigures::new(Vec::new()), None);
    }
}
