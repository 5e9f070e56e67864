//! Learning curves of training runs.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::destination::{Destination, failure_of, name};
use crate::cli::Failure;
use crate::plots::{TrainingLog, draw_curves};

/// What training calls its log.
const LOG: &str = "training.csv";

/// Arguments of `tympan plot curves`.
#[derive(Debug, Args)]
pub(super) struct CurvesArguments {
    /// Folders that `tympan train` wrote, of one run or of a cross-validation's folds, or their logs (CSV)
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    destination: Destination,
}

/// Draws the curves of all runs in one picture.
pub(super) fn curves(arguments: &CurvesArguments) -> Result<(), Failure> {
    let mut logs = Vec::new();
    for run in &arguments.runs {
        logs.extend(logs_of(run)?);
    }
    let names = names(&logs);
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

/// The log itself, the one of a folder, or those of the folders in it.
fn logs_of(run: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !run.is_dir() {
        return Ok(vec![run.to_owned()]);
    }
    let own = run.join(LOG);
    if own.is_file() {
        return Ok(vec![own]);
    }
    let unreadable = |error| Failure::usage(anyhow!("{}: {error}", run.display()));
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(run).map_err(unreadable)? {
        let log = entry.map_err(unreadable)?.path().join(LOG);
        if log.is_file() {
            logs.push(log);
        }
    }
    // the tenth fold after the second
    logs.sort_by_key(|log| (log.as_os_str().len(), log.clone()));
    if logs.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{}: no {LOG} in this folder or in one within; name the log itself, if it is called otherwise",
            run.display()
        )));
    }
    Ok(logs)
}

/// What the legend calls each run: its folder's name where the log has the usual one, else the log's own, or the whole
/// path where names are the same.
fn names(logs: &[PathBuf]) -> Vec<String> {
    let short: Vec<String> = logs
        .iter()
        .map(|log| match log.parent() {
            Some(folder) if log.ends_with(LOG) && !folder.as_os_str().is_empty() => name(folder),
            _ => name(log),
        })
        .collect();
    let repeated = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
    logs.iter()
        .zip(&short)
        .map(|(log, name)| if repeated(name) { log.display().to_string() } else { name.clone() })
        .collect()
}
