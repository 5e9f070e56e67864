//! ROC and precision-recall curves of every class against the rest, and their means. Pure; runs wherever it is called.

use serde::Serialize;

use super::{ClipScores, PrecisionRecallCurve, RocCurve};
use crate::domain::LabelSet;

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
    use super::super::clip_scores::tests::clip;
    use super::*;

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
