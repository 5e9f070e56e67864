//! What the model does with kinds of sound that it has no label for: whether their scores stand apart from those of what
//! it knows, and whether they raise events. Pure; feeds the report.

use serde::Serialize;

use super::metrics::{best_of, share};
use super::{ClipScores, RocCurve};

/// Share of the known windows that a level has to let through for FPR95.
const KNOWN_SHARE: f64 = 0.95;

/// A window's highest score, and whether it is that of the right label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopScore {
    /// The highest score.
    pub score: f32,
    /// Whether the sound has that label; never for a sound that has none.
    pub correct: bool,
}

impl TopScore {
    /// Those of the windows that carry a recording's sound.
    pub fn of_clip(clip: &ClipScores) -> Vec<Self> {
        let best = clip.labelled().filter_map(|window| best_of(&window.scores));
        best.map(|(label, score)| Self { score, correct: clip.label == Some(label) }).collect()
    }
}

/// Recordings of unknown kinds against the known ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenSetFigures {
    /// Recordings of unknown kinds.
    pub recordings: usize,
    /// Windows of them that carry sound.
    pub windows: usize,
    /// Chance that a known window's highest score is above an unknown one's; none without both.
    pub auroc: Option<f64>,
    /// Share of the unknown windows at or above the level that 95 % of the known ones reach; none without both.
    pub fpr95: Option<f64>,
    /// Area under the share of known windows accepted with the right label, over the share of unknown ones accepted, as
    /// the level sinks; none without both.
    ///
    /// # Source
    /// Dhamija, Günther and Boult, "Reducing network agnostophobia", NeurIPS 2018, equation 5; trapezoids, equal scores
    /// together.
    pub oscr: Option<f64>,
    /// Recordings of unknown kinds in which the daemon would report any event.
    pub recordings_with_event: usize,
    /// Share of them; none without recordings.
    pub event_share: Option<f64>,
}

impl OpenSetFigures {
    /// Counts. `unknown` has the windows of all recordings of unknown kinds.
    pub fn new(
        known: &[TopScore],
        unknown: &[TopScore],
        recordings: usize,
        recordings_with_event: usize,
    ) -> Self {
        let known_side = known.iter().map(|it| (it.score, true));
        let sides: Vec<(f32, bool)> =
            known_side.chain(unknown.iter().map(|it| (it.score, false))).collect();
        let roc = RocCurve::new(&sides);
        Self {
            recordings,
            windows: unknown.len(),
            fpr95: roc.is_some().then(|| fpr95(known, unknown)).flatten(),
            oscr: roc.is_some().then(|| oscr(known, unknown)),
            auroc: roc.map(|roc| roc.auc),
            recordings_with_event,
            event_share: share(recordings_with_event, recordings),
        }
    }
}

fn fpr95(known: &[TopScore], unknown: &[TopScore]) -> Option<f64> {
    let mut scores: Vec<f32> = known.iter().map(|it| it.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let enough = (1..=scores.len())
        .find(|&passed| passed as f64 / scores.len() as f64 >= KNOWN_SHARE)
        .and_then(|passed| scores.get(passed - 1))?;
    share(unknown.iter().filter(|it| it.score >= *enough).count(), unknown.len())
}

fn oscr(known: &[TopScore], unknown: &[TopScore]) -> f64 {
    // score, and whether it adds to the right known or to the unknown
    let right = known.iter().filter(|it| it.correct).map(|it| (it.score, true));
    let mut all: Vec<(f32, bool)> =
        right.chain(unknown.iter().map(|it| (it.score, false))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut accepted, mut area) = (0usize, 0.0);
    for equals in all.chunk_by(|a, b| a.0 == b.0) {
        let right = equals.iter().filter(|(_, known)| *known).count();
        let height = (accepted as f64 + right as f64 / 2.0) / known.len() as f64;
        area += height * (equals.len() - right) as f64 / unknown.len() as f64;
        accepted += right;
    }
    area
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::clip_scores::tests::clip;
    use super::*;

    fn top(score: f32, correct: bool) -> TopScore {
        TopScore { score, correct }
    }

    #[test]
    fn figures_are_those_counted_by_hand() {
        let known = [top(0.9, true), top(0.8, false), top(0.6, true), top(0.3, true)];
        let unknown = [top(0.7, false), top(0.3, false), top(0.1, false), top(0.1, false)];
        let figures = OpenSetFigures::new(&known, &unknown, 2, 1);
        // pairs won: 4, 4, 3, and 0.3 ties with one and beats two
        assert_eq!(figures.auroc, Some((4.0 + 4.0 + 3.0 + 2.5) / 16.0));
        // all four known ones have to pass: at 0.3 two of four unknown ones do
        assert_eq!(figures.fpr95, Some(0.5));
        // right ones accepted where each unknown one comes in: 1 of 4; between 2 and 3 of 4; 3 of 4, twice
        let oscr = (0.25 + 0.625 + 0.75 + 0.75) / 4.0;
        assert!((figures.oscr.unwrap() - oscr).abs() < 1e-12, "{figures:?}");
        assert_eq!((figures.recordings, figures.event_share), (2, Some(0.5)));
    }

    #[test]
    fn a_twentieth_of_the_known_may_stay_below_the_level() {
        let known: Vec<TopScore> = (1..=20).map(|score| top(score as f32 / 20.0, true)).collect();
        let unknown = [top(0.05, false), top(0.06, false), top(0.1, false), top(0.5, false)];
        // the level is the second lowest known score
        assert_eq!(OpenSetFigures::new(&known, &unknown, 4, 0).fpr95, Some(0.5));
    }

    #[test]
    fn without_both_sides_there_are_no_figures() {
        let figures = OpenSetFigures::new(&[top(0.5, true)], &[], 0, 0);
        assert_eq!((figures.auroc, figures.fpr95, figures.oscr), (None, None, None));
        assert_eq!(figures.event_share, None);
    }

    #[test]
    fn only_windows_that_carry_sound_count() {
        let windows = [(vec![0.2, 0.7], -20.0), (vec![0.9, 0.1], -60.0)];
        assert_eq!(TopScore::of_clip(&clip(Some(1), &windows)), [top(0.7, true)]);
        assert_eq!(TopScore::of_clip(&clip(None, &windows)), [top(0.7, false)]);
    }

    proptest! {
        #[test]
        fn with_every_known_window_right_oscr_is_the_area_under_the_roc(
            known in prop::collection::vec(0u8..20, 1..30),
            unknown in prop::collection::vec(0u8..20, 1..30),
        ) {
            let of = |scores: &[u8], correct| -> Vec<TopScore> {
                scores.iter().map(|score| top(f32::from(*score) / 20.0, correct)).collect()
            };
            let figures = OpenSetFigures::new(&of(&known, true), &of(&unknown, false), 1, 0);
            prop_assert!((figures.oscr.unwrap() - figures.auroc.unwrap()).abs() < 1e-12);
        }
    }
}
