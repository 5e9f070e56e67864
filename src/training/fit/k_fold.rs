//! Cross-validation: a bundle a fold, in OUT/fold1, OUT/fold2, …, and a table with mean and deviation as
//! `folds.csv` and `folds.json`. There is no bundle of all folds: nothing would be left to measure it on.

use serde::Serialize;

use super::one_split::{StartMode, fit_split};
use super::prepared::{Prepared, SplitJob};
use super::recordings::Recordings;
use super::{FitError, FitProgress};
use crate::files::{self, Durability, csv_text};
use crate::model::{Bundle, Figures};
use crate::offline::Split;

/// What `folds.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KFoldReport {
    /// The dataset's name.
    pub dataset: String,
    /// The network, in words.
    pub network: String,
    /// Whether parts of one recording are both fitted to and measured on.
    pub leaky: bool,
    /// In their order.
    pub folds: Vec<FoldFigures>,
    /// Of the folds.
    pub clip_accuracy: Spread,
    /// Of the folds.
    pub window_accuracy: Spread,
}

/// One fold's bundle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldFigures {
    /// Its number, from 1.
    pub fold: usize,
    /// Its split, in words.
    pub split: String,
    /// Clips measured on.
    pub clips: usize,
    /// Share of them classified correctly.
    pub clip_accuracy: f64,
    /// Share of their windows classified correctly.
    pub window_accuracy: f64,
}

/// Mean and sample deviation over the folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The deviation of a sample.
    pub deviation: f64,
}

/// Trains on every split; none if it was stopped before all are done.
pub(super) fn fit_folds(
    prepared: &Prepared<'_>,
    recordings: &Recordings,
    splits: &[Split],
    start: StartMode,
    progress: &dyn FitProgress,
) -> Result<Option<KFoldReport>, FitError> {
    let out = &prepared.plan.out;
    let mut figures = Vec::new();
    for (index, split) in splits.iter().enumerate() {
        let folder = out.join(format!("fold{}", index + 1));
        let is_done = !folder.join("checkpoint.safetensors").is_file();
        if start == StartMode::Resume && is_done && folder.join("model.toml").is_file() {
            let bundle = Bundle::load(&folder).map_err(FitError::FoldBundle)?;
            figures.push(bundle.manifest.figures);
            continue;
        }
        log::info!("fold {} of {}: {}", index + 1, splits.len(), split.description);
        let job = SplitJob { split, spec: None, folder: &folder };
        match fit_split(prepared, recordings, &job, start, progress)? {
            Some(measured) => figures.push(measured),
            None => return Ok(None),
        }
    }
    let report = report(prepared, splits, &figures);
    files::replace(&out.join("folds.csv"), csv(&report).as_bytes(), Durability::Synced)?;
    let json = serde_json::to_string_pretty(&report)? + "\n";
    files::replace(&out.join("folds.json"), json.as_bytes(), Durability::Synced)?;
    Ok(Some(report))
}

fn report(prepared: &Prepared<'_>, splits: &[Split], figures: &[Figures]) -> KFoldReport {
    let folds: Vec<FoldFigures> = splits
        .iter()
        .zip(figures)
        .enumerate()
        .map(|(index, (split, figures))| FoldFigures {
            fold: index + 1,
            split: split.description.clone(),
            clips: figures.clips,
            clip_accuracy: figures.clip_accuracy,
            window_accuracy: figures.window_accuracy,
        })
        .collect();
    KFoldReport {
        dataset: prepared.dataset.name.clone(),
        network: prepared.plan.network.to_string(),
        leaky: splits.iter().any(|split| split.leaky),
        clip_accuracy: spread(folds.iter().map(|fold| fold.clip_accuracy)),
        window_accuracy: spread(folds.iter().map(|fold| fold.window_accuracy)),
        folds,
    }
}

fn spread(shares: impl Iterator<Item = f64>) -> Spread {
    let shares: Vec<f64> = shares.collect();
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let squares: f64 = shares.iter().map(|share| (share - mean).powi(2)).sum();
    let deviation = (squares / shares.len().saturating_sub(1).max(1) as f64).sqrt();
    Spread { mean, deviation }
}

fn csv(report: &KFoldReport) -> String {
    let heading = ["fold", "clips", "clip_accuracy", "window_accuracy", "leaky"];
    let row = |fold: &FoldFigures| {
        let FoldFigures { fold, clips, clip_accuracy, window_accuracy, .. } = fold;
        let measured = [clip_accuracy, window_accuracy].map(f64::to_string);
        let [clip_accuracy, window_accuracy] = measured;
        let leaky = report.leaky.to_string();
        [fold.to_string(), clips.to_string(), clip_accuracy, window_accuracy, leaky]
    };
    let rows = report.folds.iter().map(row);
    csv_text(std::iter::once(heading.map(str::to_owned)).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let spread = spread([0.7, 0.8, 0.9].into_iter());
        assert!((spread.mean - 0.8).abs() < 1e-12 && (spread.deviation - 0.1).abs() < 1e-12);
    }
}
