//! `tympan train` from its arguments to its exit code.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::options::{TrainArguments, plan, quoted, unfinished_plan};
use super::progress::{INTERRUPTED, TrainingProgress};
use crate::cli::{Failure, logging, output};
use crate::training::{FitError, Fitted, KFoldReport, TrainingError, fit, resume};

/// Trains, measures, writes.
///
/// # Errors
/// [`Failure`] when options, dataset or folder cannot be used, or training fails.
pub fn train(arguments: &TrainArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    let progress = TrainingProgress::install()?;
    let arguments = arguments.clone().with_absolute_paths()?;
    if arguments.training.wants_bf16() && !has_bf16() {
        log::warn!(
            "--precision bf16: this processor computes no bfloat16 (/proc/cpuinfo has neither avx512_bf16 nor amx_bf16), \
             and training will be far slower than without the option"
        );
    }
    let (plan, fitted) = match &arguments.resume {
        Some(folder) => {
            let plan = unfinished_plan(folder, &arguments)?;
            let fitted = resume(&plan, &progress);
            (plan, fitted)
        }
        None => {
            let plan = plan(&arguments)?;
            let fitted = fit(&plan, &progress);
            (plan, fitted)
        }
    };
    match fitted.map_err(failure_of)? {
        None => {
            let out = quoted(&plan.out.display().to_string());
            log::info!("saved; go on with\n  tympan train --resume {out}");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Some(Fitted::Folds(report)) => output::print(&table(&report))?,
        Some(Fitted::Bundle(_)) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the processor computes in bfloat16; true where nobody can say.
fn has_bf16() -> bool {
    let Ok(cpu) = std::fs::read_to_string("/proc/cpuinfo") else { return true };
    let has = |word: &str| word == "avx512_bf16" || word == "amx_bf16" || word == "bf16";
    cpu.split_whitespace().any(has)
}

/// Separates the failures that the arguments caused from those that happened later.
fn failure_of(error: FitError) -> Failure {
    match error {
        FitError::Measure(error) => Failure::of_measurement(error),
        FitError::Faulty(_)
        | FitError::LeftOut(_)
        | FitError::Teacher(_)
        | FitError::OtherTeacher { .. }
        | FitError::Verifier(_)
        | FitError::FoldBundle(_) => Failure::device_or_model(error),
        FitError::Training(
            TrainingError::Spec { .. }
            | TrainingError::NoClips { .. }
            | TrainingError::OtherRun { .. }
            | TrainingError::BadCheckpoint { .. }
            | TrainingError::BadStart { .. }
            | TrainingError::NoStart
            | TrainingError::StartBundle(_),
        )
        | FitError::Dataset(_)
        | FitError::Split(_)
        | FitError::LeakyFolds
        | FitError::NoThreads
        | FitError::Window(_)
        | FitError::Absent { .. }
        | FitError::NonEvent { .. }
        | FitError::OneClass { .. }
        | FitError::Background(_)
        | FitError::NotWritable { .. }
        | FitError::Unfinished { .. }
        | FitError::Existing { .. }
        | FitError::NoRun { .. }
        | FitError::BadRun { .. } => Failure::usage(error),
        _ => Failure::failed(error),
    }
}

fn table(report: &KFoldReport) -> String {
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
