//! Event-based F-scores of scenes as the field compares them: one-to-one, with a collar. Pure; feeds the report.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{SceneDetections, TrueEvent};
use crate::domain::{LabelSet, SampleRate};
use crate::evaluation::DetectedEvent;
use crate::evaluation::metrics::{mean, share};

/// How near a detected event has to be to a true one of the same label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EventCollar {
    /// The onset is at most this far from the true one, before or after.
    #[serde(rename = "onset_s", serialize_with = "as_seconds")]
    pub onset: Duration,
    /// The offset is at most this share of the true event's length from the true one, or `onset` if that is longer;
    /// none where the offset does not count.
    pub offset_share: Option<f64>,
}

impl EventCollar {
    /// Onsets within half a second.
    pub const HEADLINE: Self = Self { onset: Duration::from_millis(500), offset_share: None };
    /// Onsets within two seconds: about the window that a network has to fill.
    pub const WIDE: Self = Self { onset: Duration::from_secs(2), offset_share: None };
    /// Onsets within 200 ms, offsets within 200 ms or a fifth of the event, as the DCASE challenges count.
    pub const STRICT: Self = Self { onset: Duration::from_millis(200), offset_share: Some(0.2) };

    fn fits(self, rate: SampleRate, truth: &TrueEvent, detected: &DetectedEvent) -> bool {
        let collar = rate.samples_in(self.onset);
        let offset_fits = |share: f64| {
            let length = truth.end_sample.0.saturating_sub(truth.start_sample.0) as f64;
            let apart = truth.end_sample.0.abs_diff(detected.end_sample.0) as f64;
            apart <= (share * length).max(collar as f64)
        };
        truth.label == detected.label
            && truth.start_sample.0.abs_diff(detected.start_sample.0) <= collar
            && self.offset_share.is_none_or(offset_fits)
    }
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Event-based precision, recall and F-score. Unlike [`StreamingFigures`](super::StreamingFigures), a true event that is
/// detected a second time counts as a false positive.
///
/// # Source
/// Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6, 2016, section
/// 3.2.2; the matching and the averages are those of sed_eval 0.2.1 with `event_matching_type="optimal"` and
/// `empty_system_output_handling="zero_score"`, over the labels that have true events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventScores {
    /// What counts as a match.
    pub collar: EventCollar,
    /// True events.
    pub events: usize,
    /// Detected events.
    pub detected: usize,
    /// Pairs of the two; the most that there can be.
    pub hits: usize,
    /// Hits among detected events; none when nothing was detected.
    pub precision: Option<f64>,
    /// Hits among true events; none without true events.
    pub recall: Option<f64>,
    /// Harmonic mean of the two, every event counting alike; none without true events.
    pub micro_f1: Option<f64>,
    /// Mean F-score of the labels that have true events; none without true events.
    pub macro_f1: Option<f64>,
}

impl EventScores {
    /// Matches and counts.
    pub fn new(labels: &LabelSet, scenes: &[SceneDetections], collar: EventCollar) -> Self {
        let mut counts = vec![Counts::default(); labels.len()];
        for scene in scenes {
            for event in &scene.truth {
                counts[event.label].events += 1;
            }
            for event in &scene.detected {
                counts[event.label].detected += 1;
            }
            let partners = |truth: &TrueEvent| -> Vec<usize> {
                let detected = scene.detected.iter().enumerate();
                detected
                    .filter(|(_, detected)| collar.fits(scene.sample_rate, truth, detected))
                    .map(|(index, _)| index)
                    .collect()
            };
            let partners: Vec<Vec<usize>> = scene.truth.iter().map(partners).collect();
            for (event, partner) in scene.truth.iter().zip(largest_matching(&partners)) {
                counts[event.label].hits += usize::from(partner.is_some());
            }
        }
        let all = counts.iter().fold(Counts::default(), |all, label| Counts {
            events: all.events + label.events,
            detected: all.detected + label.detected,
            hits: all.hits + label.hits,
        });
        let present = counts.iter().filter_map(Counts::f1);
        Self {
            collar,
            events: all.events,
            detected: all.detected,
            hits: all.hits,
            precision: share(all.hits, all.detected),
            recall: share(all.hits, all.events),
            micro_f1: all.f1(),
            macro_f1: (all.events > 0).then(|| mean(present)),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    events: usize,
    detected: usize,
    hits: usize,
}

impl Counts {
    fn f1(&self) -> Option<f64> {
        let f1 = || share(2 * self.hits, self.events + self.detected).unwrap_or(0.0);
        (self.events > 0).then(f1)
    }
}

/// The partner of each item in a largest one-to-one matching; `partners[item]` are those that it may have.
///
/// # Source
/// Augmenting paths: Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2, 1955.
fn largest_matching(partners: &[Vec<usize>]) -> Vec<Option<usize>> {
    let count = partners.iter().flatten().max().map_or(0, |last| last + 1);
    let mut item_of = vec![None; count];
    for item in 0..partners.len() {
        augment(item, partners, &mut item_of, &mut vec![false; count]);
    }
    let mut matched = vec![None; partners.len()];
    for (partner, item) in item_of.into_iter().enumerate() {
        if let Some(item) = item {
            matched[item] = Some(partner);
        }
    }
    matched
}

/// Finds `item` a partner, if need be one whose item takes another.
fn augment(
    item: usize,
    partners: &[Vec<usize>],
    item_of: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for &partner in &partners[item] {
        if std::mem::replace(&mut tried[partner], true) {
            continue;
        }
        let free = match item_of[partner] {
            None => true,
            Some(holder) => augment(holder, partners, item_of, tried),
        };
        if free {
            item_of[partner] = Some(item);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_item_gives_way_so_that_all_have_partners() {
        // 0 takes 0 first; 1 can only have 0; 2 can have 0 or 1
        let matched = largest_matching(&[vec![0, 1, 2], vec![0], vec![0, 1], vec![]]);
        assert_eq!(matched, [Some(2), Some(0), Some(1), None]);
    }

    /// By trying every partner of every item.
    fn most(partners: &[Vec<usize>], taken: u32) -> usize {
        let Some((first, rest)) = partners.split_first() else { return 0 };
        let free = first.iter().filter(|partner| taken & (1 << **partner) == 0);
        let with = free.map(|partner| 1 + most(rest, taken | (1 << partner)));
        with.chain([most(rest, taken)]).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_other_matching_has_more_pairs(
            partners in prop::collection::vec(prop::collection::vec(0usize..5, 0..4), 0..6),
        ) {
            let matched = largest_matching(&partners);
            let pairs: Vec<usize> = matched.iter().flatten().copied().collect();
            let distinct: std::collections::BTreeSet<usize> = pairs.iter().copied().collect();
            prop_assert_eq!(distinct.len(), pairs.len());
            for (item, partner) in matched.iter().enumerate() {
                prop_assert!(partner.is_none_or(|partner| partners[item].contains(&partner)));
            }
            prop_assert_eq!(pairs.len(), most(&partners, 0));
        }
    }
}
