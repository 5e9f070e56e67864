//! Cross-validation: a bundle a fold, in OUT/fold1, OUT/fold2, …, a table with mean and deviation, and the same as
//! `folds.csv` and `folds.json`. There is no bundle of all folds: nothing would be left to measure it on.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::interrupt::Interrupt;
use super::one_split::train_split;
use super::plan::{Plan, SplitJob};
use super::recordings::Recordings;
use super::run_file::Beginning;
use crate::cli::{Failure, output};
use crate::files::{self, Durability, csv_text};
use crate::model::{Bundle, Figures};
use crate::offline::Split;

/// What `folds.json` holds.
#[derive(Debug, Serialize)]
struct Report<'a> {
    dataset: &'a str,
    network: String,
    leaky: bool,
    folds: Vec<FoldFigures<'a>>,
    clip_accuracy: Spread,
    window_accuracy: Spread,
}

/// One fold's bundle.
#[derive(Debug, Serialize)]
struct FoldFigures<'a> {
    fold: usize,
    split: &'a str,
    clips: usize,
    clip_accuracy: f64,
    window_accuracy: f64,
}

/// Mean and sample deviation over the folds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    mean: f64,
    deviation: f64,
}

/// Trains on every split; says whether all are done.
///
/// # Errors
/// [`Failure`] when a fold's training fails or something cannot be written.
pub fn train(
    plan: &Plan,
    recordings: &Recordings,
    splits: &[Split],
    interrupt: &Interrupt,
    beginning: Beginning,
) -> Result<bool, Failure> {
    let mut figures = Vec::new();
    for (index, split) in splits.iter().enumerate() {
        let folder = folder_of(plan, index);
        let job = SplitJob { split, spec: None, folder: &folder };
        let is_done = !folder.join("checkpoint.safetensors").is_file();
        if beginning == Beginning::Resumed && is_done && folder.join("model.toml").is_file() {
            let bundle = Bundle::load(&folder).map_err(Failure::device_or_model)?;
            figures.push(bundle.manifest.figures);
            continue;
        }
        log::info!("fold {} of {}: {}", index + 1, splits.len(), split.description);
        match train_split(plan, recordings, &job, interrupt, beginning)? {
            Some(measured) => figures.push(measured),
            None => return Ok(false),
        }
    }
    let report = report(plan, splits, &figures);
    files::replace(&plan.out.join("folds.csv"), csv(&report).as_bytes(), Durability::Synced)?;
    let json = serde_json::to_string_pretty(&report).map_err(Failure::failed)?;
    files::replace(&plan.out.join("folds.json"), (json + "\n").as_bytes(), Durability::Synced)?;
    output::print(&table(&report))?;
    Ok(true)
}

fn folder_of(plan: &Plan, index: usize) -> PathBuf {
    plan.out.join(format!("fold{}", index + 1))
}

fn report<'a>(plan: &'a Plan, splits: &'a [Split], figures: &[Figures]) -> Report<'a> {
    let folds: Vec<FoldFigures<'a>> = splits
        .iter()
        .zip(figures)
        .enumerate()
        .map(|(index, (split, figures))| FoldFigures {
            fold: index + 1,
            split: &split.description,
            clips: figures.clips,
            clip_accuracy: figures.clip_accuracy,
            window_accuracy: figures.window_accuracy,
        })
        .collect();
    Report {
        dataset: &plan.dataset.name,
        network: plan.network.to_string(),
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

fn table(report: &Report<'_>) -> String {
    let mut text = String::new();
    if report.leaky {
        text.push_str("LEAKY: parts of one recording are both fitted to and measured on\n");
    }
    let _ = writeln!(text, "{}, {}", report.dataset, report.network);
    let _ = writeln!(
        text,
        "{:<9} {:>6} {:>13} {:>15}",
        "fold", "clips", "clip accuracy", "window accuracy"
    );
    let mut row = |name: &str, clips: &str, clip: f64, window: f64| {
        let (clip, window) = (clip * 100.0, window * 100.0);
        let _ = writeln!(text, "{name:<9} {clips:>6} {clip:>11.1} % {window:>13.1} %");
    };
    for fold in &report.folds {
        let (name, clips) = (fold.fold.to_string(), fold.clips.to_string());
        row(&name, &clips, fold.clip_accuracy, fold.window_accuracy);
    }
    row("mean", "", report.clip_accuracy.mean, report.window_accuracy.mean);
    row("deviation", "", report.clip_accuracy.deviation, report.window_accuracy.deviation);
    text
}

fn csv(report: &Report<'_>) -> String {
    let heading = ["fold", "clips", "clip_accuracy", "window_accuracy", "leaky"];
    let row = |fold: &FoldFigures<'_>| {
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
