//! ROC and precision-recall curves: of one yes-or-no question, of every class against the rest, and their means. Pure; drawn
//! by the plots.

use serde::Serialize;

use super::ClipScores;
use crate::domain::LabelSet;

/// A point is left out of a curve when both its coordinates together are less than this away from the last point kept: a
/// fifth of a pixel of a picture 1000 wide would not show it.
const STEP: f64 = 0.004;

/// Receiver operating characteristic: what share of the positives is caught at the cost of what share of the negatives,
/// as the threshold sinks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RocCurve {
    /// Area under the curve: the chance that a positive scores higher than a negative, equal scores counting half (the
    /// Mann-Whitney statistic). Of all the points, before any is left out.
    ///
    /// # Source
    /// Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006, algorithms 1 and 2: equal scores
    /// make one point, and the trapezoids between points are summed.
    pub auc: f64,
    /// From (0, 0) to (1, 1).
    pub points: Vec<RocPoint>,
}

/// What a threshold comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Scores at or above this count as yes; none for the first point, where none does.
    pub threshold: Option<f32>,
    /// Share of the negatives that score that high.
    pub false_positive_rate: f64,
    /// Share of the positives that do: the recall.
    pub true_positive_rate: f64,
}

/// Precision over recall, as the threshold sinks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrecisionRecallCurve {
    /// Mean of the precisions at each threshold, weighted by the recall it adds: `Σ (R_k − R_{k−1}) · P_k`, thresholds
    /// descending and equal scores together. No line is drawn between points: that would be too hopeful (Davis and
    /// Goadrich, "The relationship between Precision-Recall and ROC curves", ICML 2006).
    pub average_precision: f64,
    /// In order of rising recall. The curve is a staircase: each precision holds back to the recall of the point before.
    pub points: Vec<PrecisionRecallPoint>,
}

/// What a threshold comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PrecisionRecallPoint {
    /// Scores at or above this count as yes.
    pub threshold: f32,
    /// Share of the positives that score that high.
    pub recall: f64,
    /// Share of positives among all that do.
    pub precision: f64,
}

impl RocCurve {
    /// The curve of scores and whether the answer is yes; none without a positive or without a negative.
    pub fn new(scored: &[(f32, bool)]) -> Option<Self> {
        let (positives, negatives) = sides(scored)?;
        let start = RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 };
        let mut points = vec![start];
        for step in descending(scored) {
            points.push(RocPoint {
                threshold: Some(step.threshold),
                false_positive_rate: step.false_alarms as f64 / negatives,
                true_positive_rate: step.hits as f64 / positives,
            });
        }
        let trapezoid = |pair: &[RocPoint]| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
        };
        let auc = points.windows(2).map(trapezoid).sum();
        let place = |point: &RocPoint| (point.false_positive_rate, point.true_positive_rate);
        Some(Self { auc, points: thinned(points, place) })
    }
}

impl PrecisionRecallCurve {
    /// The curve of scores and whether the answer is yes; none without a positive or without a negative.
    pub fn new(scored: &[(f32, bool)]) -> Option<Self> {
        let (positives, _) = sides(scored)?;
        let (mut points, mut average_precision, mut before) = (Vec::new(), 0.0, 0.0);
        for step in descending(scored) {
            let recall = step.hits as f64 / positives;
            let precision = step.hits as f64 / (step.hits + step.false_alarms) as f64;
            average_precision += (recall - before) * precision;
            before = recall;
            points.push(PrecisionRecallPoint { threshold: step.threshold, recall, precision });
        }
        let place = |point: &PrecisionRecallPoint| (point.recall, point.precision);
        Some(Self { average_precision, points: thinned(points, place) })
    }
}

/// How many answers are yes and how many no, if there are both.
fn sides(scored: &[(f32, bool)]) -> Option<(f64, f64)> {
    let positives = scored.iter().filter(|(_, positive)| *positive).count();
    let negatives = scored.len() - positives;
    (positives > 0 && negatives > 0).then_some((positives as f64, negatives as f64))
}

/// What scores at or above a threshold.
struct Step {
    threshold: f32,
    hits: usize,
    false_alarms: usize,
}

/// One step for each distinct score, highest first.
fn descending(scored: &[(f32, bool)]) -> Vec<Step> {
    let mut sorted = scored.to_vec();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut false_alarms) = (0, 0);
    let equals = sorted.chunk_by(|a, b| a.0 == b.0);
    equals
        .map(|equals| {
            let positives = equals.iter().filter(|(_, positive)| *positive).count();
            hits += positives;
            false_alarms += equals.len() - positives;
            Step { threshold: equals[0].0, hits, false_alarms }
        })
        .collect()
}

/// The points without those that would not show; the first and the last always stay.
fn thinned<P: Copy>(points: Vec<P>, place: impl Fn(&P) -> (f64, f64)) -> Vec<P> {
    let mut kept: Vec<P> = Vec::new();
    let last = points.len().saturating_sub(1);
    for (index, point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|kept| {
            let ((x, y), (from_x, from_y)) = (place(point), place(kept));
            (x - from_x).abs() + (y - from_y).abs() >= STEP
        });
        if far || index == last {
            kept.push(*point);
        }
    }
    kept
}

/// How well each class's score alone parts what has it from what has not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveFigures {
    /// Mean area under the classes' ROC curves; none when no class has one.
    pub macro_auc: Option<f64>,
    /// Mean of the classes' average precisions: mAP.
    pub macro_average_precision: Option<f64>,
    /// The curve of all scores of all classes in one heap, as if one threshold served them all.
    pub micro_roc: Option<RocCurve>,
    /// The same heap's precision over recall.
    pub micro_precision_recall: Option<PrecisionRecallCurve>,
    /// Each class, in the order of the labels.
    pub classes: Vec<ClassCurves>,
}

/// One class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassCurves {
    /// Its label.
    pub label: String,
    /// Clips or windows that have it.
    pub positives: usize,
    /// Clips or windows that have not.
    pub negatives: usize,
    /// None without a positive or without a negative.
    pub roc: Option<RocCurve>,
    /// None without a positive or without a negative.
    pub precision_recall: Option<PrecisionRecallCurve>,
}

impl CurveFigures {
    /// By clip: scores are the means over the windows that carry the clip's label. A clip without a label is a negative
    /// of every class.
    pub fn by_clip(labels: &LabelSet, clips: &[ClipScores]) -> Self {
        let scored = clips.iter().map(|clip| (clip.mean(), clip.label));
        Self::new(labels, &scored.filter(|(mean, _)| !mean.is_empty()).collect::<Vec<_>>())
    }

    fn new(labels: &LabelSet, scored: &[(Vec<f32>, Option<usize>)]) -> Self {
        let against_rest = |label: usize| -> Vec<(f32, bool)> {
            scored.iter().map(|(scores, truth)| (scores[label], *truth == Some(label))).collect()
        };
        let classes: Vec<ClassCurves> = labels
            .iter()
            .enumerate()
            .map(|(label, name)| {
                let scored = against_rest(label);
                let positives = scored.iter().filter(|(_, positive)| *positive).count();
                ClassCurves {
                    label: name.to_string(),
                    positives,
                    negatives: scored.len() - positives,
                    roc: RocCurve::new(&scored),
                    precision_recall: PrecisionRecallCurve::new(&scored),
                }
            })
            .collect();
        let heap: Vec<(f32, bool)> = (0..labels.len()).flat_map(against_rest).collect();
        let aucs = classes.iter().filter_map(|class| Some(class.roc.as_ref()?.auc));
        let precisions = classes
            .iter()
            .filter_map(|class| Some(class.precision_recall.as_ref()?.average_precision));
        Self {
            macro_auc: mean_of_some(aucs),
            macro_average_precision: mean_of_some(precisions),
            micro_roc: RocCurve::new(&heap),
            micro_precision_recall: PrecisionRecallCurve::new(&heap),
            classes,
        }
    }
}

fn mean_of_some(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fawcett's kind of example: 3 positives, 4 negatives, one pair of equals.
    const SCORED: [(f32, bool); 7] = [
        (0.9, true),
        (0.8, false),
        (0.7, true),
        (0.5, false),
        (0.5, true),
        (0.3, false),
        (0.1, false),
    ];

    #[test]
    fn areas_are_those_counted_by_hand() {
        let roc = RocCurve::new(&SCORED).unwrap();
        // pairs won: 0.9 beats 4, 0.7 beats 3, 0.5 beats 2 and ties with 1
        assert!((roc.auc - 9.5 / 12.0).abs() < 1e-12, "{}", roc.auc);
        let places: Vec<(f64, f64)> =
            roc.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        let third = 1.0 / 3.0;
        let expected = [
            (0.0, 0.0),
            (0.0, third),
            (0.25, third),
            (0.25, 2.0 * third),
            (0.5, 1.0),
            (0.75, 1.0),
            (1.0, 1.0),
        ];
        assert_eq!(places, expected);
        assert_eq!((roc.points[0].threshold, roc.points[4].threshold), (None, Some(0.5)));
        let curve = PrecisionRecallCurve::new(&SCORED).unwrap();
        let by_hand = (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0;
        assert!((curve.average_precision - by_hand).abs() < 1e-12, "{}", curve.average_precision);
    }

    #[test]
    fn a_scorer_that_knows_nothing_has_half_the_area() {
        let scored = [(0.4, true), (0.4, false), (0.4, false), (0.4, true)];
        assert_eq!(RocCurve::new(&scored).unwrap().auc, 0.5);
        assert_eq!(PrecisionRecallCurve::new(&scored).unwrap().average_precision, 0.5);
    }

    #[test]
    fn without_both_sides_there_is_no_curve() {
        for scored in [&[][..], &[(0.4, true)], &[(0.4, false), (0.2, false)]] {
            assert_eq!(RocCurve::new(scored), None);
            assert_eq!(PrecisionRecallCurve::new(scored), None);
        }
    }

    use super::super::clip_scores::tests::clip;

    #[test]
    fn classes_are_set_against_the_rest_and_averaged() {
        let labels = LabelSet::new(&["dog", "cat", "cow"]).unwrap();
        let of = |label, scores: [f32; 3]| {
            clip(label, &[(scores.to_vec(), -20.0), (scores.to_vec(), -20.0)])
        };
        let clips = [
            of(Some(0), [0.9, 0.3, 0.0]),
            of(Some(0), [0.4, 0.2, 0.0]),
            of(Some(1), [0.5, 0.8, 0.0]),
            of(None, [0.1, 0.9, 0.0]),
        ];
        let figures = CurveFigures::by_clip(&labels, &clips);
        let auc = |label: usize| figures.classes[label].roc.as_ref().map(|roc| roc.auc);
        // dog: 0.9 and 0.4 against 0.5 and 0.1; cat: 0.8 against 0.3, 0.2 and the background's 0.9
        assert_eq!((auc(0), auc(2)), (Some(0.75), None));
        assert!((auc(1).unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert!((figures.macro_auc.unwrap() - (0.75 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!((figures.classes[1].positives, figures.classes[1].negatives), (1, 3));
        // all in one heap: 0.9, 0.4, 0.8 against 0.3 0.2 0.5 0.1 0.9 and five zeros less one: nine negatives
        // 0.9 beats 8 and ties with 1, 0.8 beats 8, 0.4 beats 7
        let micro = figures.micro_roc.unwrap().auc;
        assert!((micro - (8.5 + 8.0 + 7.0) / 27.0).abs() < 1e-12, "{micro}");
    }

    #[test]
    fn a_clip_without_windows_is_left_out() {
        let labels = LabelSet::new(&["dog"]).unwrap();
        let figures = CurveFigures::by_clip(&labels, &[clip(Some(0), &[])]);
        assert_eq!((figures.classes[0].positives, figures.macro_auc), (0, None));
    }
}
