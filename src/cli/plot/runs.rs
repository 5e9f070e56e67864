//! Learning curves of training runs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::destination::{Destination, failure_of, name};
use crate::cli::Failure;
use crate::plots::{TrainingLog, draw_curves};

/// Arguments of `tympan plot curves`.
#[derive(Debug, Args)]
pub(super) struct CurvesArguments {
    /// Training logs (CSV, a row an epoch), or folders of runs that hold one
    #[arg(required = true, value_name = "LOG")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    destination: Destination,
}

/// Draws the curves of all runs in one picture.
pub(super) fn curves(arguments: &CurvesArguments) -> Result<(), Failure> {
    let logs = arguments.runs.iter().map(|run| log_of(run)).collect::<Result<Vec<_>, _>>()?;
    let names = names(&arguments.runs);
    let runs = logs
        .iter()
        .zip(&names)
        .map(|(log, name)| TrainingLog::load(log, name).map_err(failure_of))
        .collect::<Result<Vec<_>, _>>()?;
    let title = match names.as_slice() {
        [one] => format!("{one}: learning curves"),
        several => format!("learning curves of {} runs", several.len()),
    };
    let picture = draw_curves(&runs, &arguments.destination.sheet(title)).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.runs[0], "curves")
}

/// The log itself, or the one of a folder.
fn log_of(run: &Path) -> Result<PathBuf, Failure> {
    if !run.is_dir() {
        return Ok(run.to_owned());
    }
    let unreadable = |error| Failure::usage(anyhow!("{}: {error}", run.display()));
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(run).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension() == Some(OsStr::new("csv")) {
            logs.push(path);
        }
    }
    logs.sort();
    match logs.as_slice() {
        [log] => Ok(log.clone()),
        [] => Err(Failure::usage(anyhow!(
            "{}: no training log (a file ending in .csv) in this folder",
            run.display()
        ))),
        several => Err(Failure::usage(anyhow!(
            "{}: {} files end in .csv; name the training log itself",
            run.display(),
            several.len()
        ))),
    }
}

/// What the legend calls each run: the name of its folder or file, or the whole path where names are the same.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let short: Vec<String> = runs.iter().map(|run| name(run)).collect();
    let repeated = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
    runs.iter()
        .zip(&short)
        .map(|(run, name)| if repeated(name) { run.display().to_string() } else { name.clone() })
        .collect()
}
