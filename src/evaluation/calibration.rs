//! Whether a score of 0.7 is right seven times in ten. Pure; runs wherever it is called.

use serde::Serialize;

use super::ClipScores;
use super::metrics::{best_of, share};

/// Bins of a reliability diagram; ten is usual.
const BINS: usize = 10;

/// Scores against what came true.
///
/// # Source
/// Reliability diagram and expected calibration error: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural
/// networks", ICML 2017, equations 2 to 4 (after Naeini, Cooper and Hauskrecht, AAAI 2015). Brier score: Brier,
/// "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950; here the mean over
/// yes-or-no forecasts, between 0 and 1, half of Brier's own sum over both answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationFigures {
    /// Forecasts measured.
    pub forecasts: usize,
    /// `Σ bins: (forecasts of the bin / all) · |share that came true − mean score|`; zero without a forecast.
    pub expected_calibration_error: f64,
    /// Mean of (score − outcome)², the outcome being 1 or 0; zero without a forecast.
    pub brier: f64,
    /// Ten bins of equal width from 0 to 1; the last includes 1.
    pub bins: Vec<CalibrationBin>,
}

/// The forecasts whose score lies in one tenth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Lowest score.
    pub from: f64,
    /// Where the next bin begins.
    pub to: f64,
    /// Forecasts in it.
    pub forecasts: usize,
    /// Their mean score; none when there are none.
    pub mean_score: Option<f64>,
    /// Share of them that came true; none when there are none.
    pub share_true: Option<f64>,
}

impl CalibrationFigures {
    /// Every score of every label is a forecast that the window has that label, over the windows that carry their clip's.
    ///
    /// With many labels most forecasts are near 0 and come to nothing, which flatters the figures: see
    /// [`of_best_label`](Self::of_best_label) too.
    pub fn of_every_label(clips: &[ClipScores]) -> Self {
        let forecasts = clips.iter().flat_map(|clip| {
            clip.labelled().flat_map(move |window| {
                let outcome = move |label| clip.label == Some(label);
                window.scores.iter().enumerate().map(move |(label, score)| (*score, outcome(label)))
            })
        });
        Self::new(forecasts)
    }

    /// Each window's highest score is a forecast that its label is right, over the windows that carry their clip's: the
    /// confidence of Guo et al.
    pub fn of_best_label(clips: &[ClipScores]) -> Self {
        let forecasts = clips.iter().flat_map(|clip| {
            let best = clip.labelled().filter_map(|window| best_of(&window.scores));
            best.map(|(label, score)| (score, clip.label == Some(label))).collect::<Vec<_>>()
        });
        Self::new(forecasts)
    }

    /// Of scores and whether they came true.
    pub fn new(forecasts: impl Iterator<Item = (f32, bool)>) -> Self {
        let (mut counts, mut trues, mut sums) = ([0usize; BINS], [0usize; BINS], [0.0f64; BINS]);
        let mut squares = 0.0;
        for (score, outcome) in forecasts {
            let score = f64::from(score);
            // in f32 a score just below a tenth may multiply up to it: f64 keeps it below
            let bin = ((score * BINS as f64) as usize).min(BINS - 1);
            counts[bin] += 1;
            trues[bin] += usize::from(outcome);
            sums[bin] += score;
            squares += (score - f64::from(u8::from(outcome))).powi(2);
        }
        let all: usize = counts.iter().sum();
        let width = 1.0 / BINS as f64;
        let bins: Vec<CalibrationBin> = (0..BINS)
            .map(|bin| CalibrationBin {
                from: bin as f64 * width,
                to: (bin + 1) as f64 * width,
                forecasts: counts[bin],
                mean_score: (counts[bin] > 0).then(|| sums[bin] / counts[bin] as f64),
                share_true: share(trues[bin], counts[bin]),
            })
            .collect();
        let weighed = bins.iter().filter_map(|bin| {
            let apart = (bin.share_true? - bin.mean_score?).abs();
            Some(share(bin.forecasts, all)? * apart)
        });
        Self {
            forecasts: all,
            expected_calibration_error: weighed.sum(),
            brier: squares / all.max(1) as f64,
            bins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clip_scores::tests::clip;
    use super::*;

    #[test]
    fn figures_are_those_counted_by_hand() {
        let forecasts = [(0.75, true), (0.75, true), (0.75, false), (0.25, false), (1.0, true)];
        let figures = CalibrationFigures::new(forecasts.into_iter());
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        // three in the bin of 0.75, two of which came true; one in that of 0.25; 1 is in the last bin and right
        near(figures.expected_calibration_error, 0.6 * (0.75 - 2.0 / 3.0) + 0.2 * 0.25);
        near(figures.brier, (2.0 * 0.0625 + 0.5625 + 0.0625 + 0.0) / 5.0);
        let bin = figures.bins[7];
        assert_eq!(
            (bin.forecasts, bin.mean_score, bin.share_true),
            (3, Some(0.75), Some(2.0 / 3.0))
        );
        assert_eq!((figures.bins[9].forecasts, figures.bins[0].mean_score), (1, None));
        assert_eq!(figures.forecasts, 5);
    }

    #[test]
    fn every_label_and_the_best_one_are_measured_apart() {
        let clips = [
            clip(Some(0), &[(vec![0.75, 0.25], -20.0), (vec![0.0, 1.0], -90.0)]),
            clip(None, &[(vec![0.25, 0.5], -20.0)]),
        ];
        let every = CalibrationFigures::of_every_label(&clips);
        assert_eq!(every.forecasts, 4);
        assert!((every.brier - (0.0625 + 0.0625 + 0.0625 + 0.25) / 4.0).abs() < 1e-9);
        let best = CalibrationFigures::of_best_label(&clips);
        assert_eq!(best.forecasts, 2);
        assert!((best.expected_calibration_error - (0.25 + 0.5) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_measured_is_all_noughts() {
        let figures = CalibrationFigures::of_every_label(&[]);
        assert_eq!((figures.forecasts, figures.brier), (0, 0.0));
    }
}
