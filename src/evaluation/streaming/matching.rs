//! Matches the detected events with the true ones. Pure; feeds the figures.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{SceneDetections, TrueEvent};
use crate::evaluation::DetectedEvent;

/// When a detected event is right. In both rules the label has to be the true event's, and each true event is
/// matched once at most.
///
/// # Source
/// Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6, 2016, section
/// 3.2.2 (event-based metrics, as sed_eval and the DCASE challenges count them), onsets alone. Their tolerance is 200 ms,
/// for systems that mark up a recording at leisure; a daemon that scores windows of two seconds as they come knows less
/// of where a sound began, so that the tolerance is a parameter here, a second by default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchRule {
    /// Its start is at most this far from the true start, before or after.
    Onset {
        /// How far.
        #[serde(rename = "tolerance_s", serialize_with = "as_seconds")]
        tolerance: Duration,
    },
    /// Its start lies within the true event, or at most this far outside: right about the sound, however
    /// late within it.
    Within {
        /// How far.
        #[serde(rename = "tolerance_s", serialize_with = "as_seconds")]
        tolerance: Duration,
    },
}

impl Default for MatchRule {
    /// An onset within a second.
    fn default() -> Self {
        Self::Onset { tolerance: Duration::from_secs(1) }
    }
}

impl MatchRule {
    /// Within the event or a second of it.
    pub fn within() -> Self {
        Self::Within { tolerance: Duration::from_secs(1) }
    }

    fn tolerance(self) -> Duration {
        match self {
            Self::Onset { tolerance } | Self::Within { tolerance } => tolerance,
        }
    }
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// What became of every event of a scene. Indices are into the scene's lists.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EventMatches {
    /// True events that were detected.
    pub hits: Vec<EventMatch>,
    /// Detected again while the same true event went on (within the tolerance): a sound that was taken for several. A clip of
    /// a dog that barks thrice is one true event, so this is no false alarm; sed_eval would count it as one.
    pub fragments: Vec<EventMatch>,
    /// Detected without a true event to match: false positives.
    pub unfounded: Vec<usize>,
    /// True events that were not detected: false negatives.
    pub missed: Vec<usize>,
    /// Pairs of the two lists above: something else was detected within a true event that was missed. Each of either is in
    /// one pair at most.
    pub substitutions: Vec<EventMatch>,
}

/// A true event and a detected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EventMatch {
    /// Index of the true event.
    pub truth: usize,
    /// Index of the detected event.
    pub detected: usize,
}

/// Matches as many as can be matched.
pub fn match_events(scene: &SceneDetections, rule: MatchRule) -> EventMatches {
    let tolerance = scene.sample_rate.samples_in(rule.tolerance());
    let within = |event: &TrueEvent| Reach {
        from: event.start_sample.0.saturating_sub(tolerance),
        to: event.end_sample.0.saturating_add(tolerance),
    };
    let reach = |event: &TrueEvent| match rule {
        MatchRule::Within { .. } => within(event),
        MatchRule::Onset { .. } => {
            Reach { to: event.start_sample.0.saturating_add(tolerance), ..within(event) }
        }
    };
    let same = |event: &TrueEvent, detected: &DetectedEvent| event.label == detected.label;
    let hits = pair(scene, &Pool::all(scene), reach, same);
    let mut left = Pool::all(scene).without(&hits);
    // what is left, against the events that were matched
    let matched = Pool { truth: hits.iter().map(|hit| hit.truth).collect(), ..left.clone() };
    let fragments = fragments(scene, &matched, within);
    left.detected.retain(|index| !fragments.iter().any(|fragment| fragment.detected == *index));
    let other = |event: &TrueEvent, detected: &DetectedEvent| event.label != detected.label;
    let substitutions = pair(scene, &left, within, other);
    EventMatches { hits, fragments, unfounded: left.detected, missed: left.truth, substitutions }
}

/// Where an event's onset may lie, both ends included.
#[derive(Clone, Copy)]
struct Reach {
    from: u64,
    to: u64,
}

impl Reach {
    fn has(self, detected: &DetectedEvent) -> bool {
        (self.from..=self.to).contains(&detected.start_sample.0)
    }
}

/// Events that are still to be paired.
#[derive(Clone)]
struct Pool {
    truth: Vec<usize>,
    detected: Vec<usize>,
}

impl Pool {
    fn all(scene: &SceneDetections) -> Self {
        Self {
            truth: (0..scene.truth.len()).collect(),
            detected: (0..scene.detected.len()).collect(),
        }
    }

    fn without(mut self, pairs: &[EventMatch]) -> Self {
        self.truth.retain(|index| !pairs.iter().any(|pair| pair.truth == *index));
        self.detected.retain(|index| !pairs.iter().any(|pair| pair.detected == *index));
        self
    }
}

/// Pairs as many as can be, each once: the true event whose reach ends first takes the earliest onset it can. For
/// points in intervals that is the most there can be.
fn pair(
    scene: &SceneDetections,
    pool: &Pool,
    reach: impl Fn(&TrueEvent) -> Reach,
    fits: impl Fn(&TrueEvent, &DetectedEvent) -> bool,
) -> Vec<EventMatch> {
    let mut truths = pool.truth.clone();
    truths.sort_by_key(|truth| (reach(&scene.truth[*truth]).to, *truth));
    let mut free = pool.detected.clone();
    free.sort_by_key(|index| (scene.detected[*index].start_sample, *index));
    let mut pairs = Vec::new();
    for truth in truths {
        let event = &scene.truth[truth];
        let reach = reach(event);
        let fitting = free.iter().position(|index| {
            let detected = &scene.detected[*index];
            reach.has(detected) && fits(event, detected)
        });
        if let Some(place) = fitting {
            pairs.push(EventMatch { truth, detected: free.remove(place) });
        }
    }
    pairs.sort_by_key(|pair| pair.truth);
    pairs
}

/// Further detections of events that were matched.
fn fragments(
    scene: &SceneDetections,
    matched: &Pool,
    within: impl Fn(&TrueEvent) -> Reach,
) -> Vec<EventMatch> {
    let of = |detected: usize| {
        let found = &scene.detected[detected];
        let goes_on = |truth: &&usize| {
            let event = &scene.truth[**truth];
            event.label == found.label && within(event).has(found)
        };
        matched.truth.iter().find(goes_on).map(|&truth| EventMatch { truth, detected })
    };
    matched.detected.iter().filter_map(|&detected| of(detected)).collect()
}
