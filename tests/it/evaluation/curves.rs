//! Areas under curves against their definitions, counted pair by pair; curves that are thinned out.

use proptest::prelude::*;
use tympan::evaluation::{PrecisionRecallCurve, RocCurve};

/// Scores with many equals, and what is true.
fn scored() -> impl Strategy<Value = Vec<(f32, bool)>> {
    let one =
        (0u8..12, any::<bool>()).prop_map(|(score, positive)| (f32::from(score) / 12.0, positive));
    prop::collection::vec(one, 2..60)
}

/// The chance that a positive beats a negative, a draw being half a win.
fn auc_by_pairs(scored: &[(f32, bool)]) -> Option<f64> {
    let side = |yes: bool| scored.iter().filter(move |(_, positive)| *positive == yes);
    let (mut won, mut pairs) = (0.0, 0.0);
    for (positive, _) in side(true) {
        for (negative, _) in side(false) {
            pairs += 1.0;
            won += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

/// For each positive the precision among all that score at least as high, averaged.
fn average_precision_by_positives(scored: &[(f32, bool)]) -> f64 {
    let positives: Vec<f32> =
        scored.iter().filter(|(_, positive)| *positive).map(|(score, _)| *score).collect();
    let precision = |threshold: &f32| {
        let above: Vec<_> = scored.iter().filter(|(score, _)| score >= threshold).collect();
        above.iter().filter(|(_, positive)| *positive).count() as f64 / above.len() as f64
    };
    positives.iter().map(precision).sum::<f64>() / positives.len() as f64
}

proptest! {
    #[test]
    fn areas_are_those_of_the_definitions(scored in scored()) {
        let roc = RocCurve::new(&scored);
        prop_assert_eq!(roc.is_some(), auc_by_pairs(&scored).is_some());
        if let (Some(roc), Some(expected)) = (roc, auc_by_pairs(&scored)) {
            prop_assert!((roc.auc - expected).abs() < 1e-9, "{} {}", roc.auc, expected);
            let curve = PrecisionRecallCurve::new(&scored).unwrap();
            let expected = average_precision_by_positives(&scored);
            prop_assert!((curve.average_precision - expected).abs() < 1e-9);
        }
    }
}

/// Many distinct scores, positives somewhat higher.
fn many() -> Vec<(f32, bool)> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    let one = |index: u32| {
        let positive = index.is_multiple_of(10);
        let score = next();
        (if positive { score.sqrt() } else { score }, positive)
    };
    (0..30_000).map(one).collect()
}

#[test]
fn a_curve_of_thousands_of_scores_keeps_its_shape_in_a_few_hundred_points() {
    let scored = many();
    let roc = RocCurve::new(&scored).unwrap();
    assert!(roc.points.len() < 600, "{}", roc.points.len());
    let ends = [roc.points[0], *roc.points.last().unwrap()];
    let places = ends.map(|point| (point.false_positive_rate, point.true_positive_rate));
    assert_eq!(places, [(0.0, 0.0), (1.0, 1.0)]);
    let area: f64 = roc
        .points
        .windows(2)
        .map(|pair| {
            (pair[1].false_positive_rate - pair[0].false_positive_rate)
                * (pair[0].true_positive_rate + pair[1].true_positive_rate)
                / 2.0
        })
        .sum();
    assert!((area - roc.auc).abs() < 0.004, "{area} {}", roc.auc);
    // a positive is the root of an even score: it beats an even one two times in three
    assert!((roc.auc - 2.0 / 3.0).abs() < 0.02, "{}", roc.auc);
    let curve = PrecisionRecallCurve::new(&scored).unwrap();
    assert!(curve.points.len() < 1_500, "{}", curve.points.len());
    assert_eq!(curve.points.last().unwrap().recall, 1.0);
    assert!(curve.points.is_sorted_by(|a, b| a.recall <= b.recall));
}
