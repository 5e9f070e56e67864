//! `run.json` in the folder of an unfinished run: the options it was begun with, so that it goes on with the same. Written
//! before the first step, removed when all is done.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::Value;

use super::options::{TrainArguments, plain};
use crate::cli::Failure;
use crate::files::{self, Durability};

const NAME: &str = "run.json";

/// Whether a run begins or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// From random weights.
    Anew,
    /// From what is kept.
    Resumed,
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// The options to train with: those given, or, with `--resume`, those the run was begun with.
///
/// # Errors
/// [`Failure`] when there is no unfinished run to go on with, or one that would be lost, or when options contradict it.
pub fn options(given: &TrainArguments) -> Result<(TrainArguments, Beginning), Failure> {
    let given = given.clone().with_absolute_paths()?;
    let Some(folder) = &given.resume else {
        if let Some(out) = given.out.as_ref().filter(|out| path_in(out).is_file()) {
            return Err(Failure::usage(anyhow!(
                "{out} holds an unfinished run; go on with `tympan train --resume {out}`, or delete {file} to begin anew",
                out = out.display(),
                file = path_in(out).display()
            )));
        }
        return Ok((given, Beginning::Anew));
    };
    let path = path_in(folder);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::usage(anyhow!(
            "{}: {error}; there is no unfinished run in {} to go on with",
            path.display(),
            folder.display()
        ))
    })?;
    let mut begun: TrainArguments = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(anyhow!("{}: {error}; the run cannot go on: begin anew", path.display()))
    })?;
    let differences = contradictions(&given, &begun);
    if !differences.is_empty() {
        return Err(Failure::usage(anyhow!(
            "a run goes on with the options it was begun with; leave out {}",
            differences.join(", ")
        )));
    }
    begun.out = Some(folder.clone());
    Ok((begun, Beginning::Resumed))
}

fn contradictions(given: &TrainArguments, begun: &TrainArguments) -> Vec<String> {
    let begun = begun.given();
    let given = given.given().into_iter();
    let differing = given.filter(|(option, value)| begun.get(option) != Some(value));
    differing
        .map(|(option, value)| {
            let then = match begun.get(&option) {
                Some(then @ (Value::Array(_) | Value::Number(_) | Value::String(_))) => {
                    format!("it was begun with {}", plain(then))
                }
                _ => "it was begun without".to_owned(),
            };
            match value {
                Value::Bool(_) => format!("--{option} ({then})"),
                value => format!("--{option} {} ({then})", plain(&value)),
            }
        })
        .collect()
}

/// Keeps the options of a run that begins.
///
/// # Errors
/// [`Failure`] when the folder cannot be written.
pub fn write(folder: &Path, arguments: &TrainArguments) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&arguments.given()).map_err(Failure::failed)?;
    Ok(files::replace(&path_in(folder), text.as_bytes(), Durability::Synced)?)
}

/// The run is done.
///
/// # Errors
/// [`Failure`] when the file cannot be removed.
pub fn remove(folder: &Path) -> Result<(), Failure> {
    Ok(std::fs::remove_file(path_in(folder))?)
}
