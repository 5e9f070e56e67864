//! Reports kept in files, and whether one can be compared with a measurement to come.

use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::report::{BenchReport, FORMAT};
use super::subject::Subject;
use crate::cli::Failure;
use crate::files::{self, Durability};

/// Reads a baseline for a measurement of `subject`.
///
/// # Errors
/// [`Failure`] with exit code 2: a file that cannot be read, is no report of this format, or is about another model or
/// schedule.
pub fn load(path: &Path, subject: &Subject) -> Result<BenchReport, Failure> {
    let baseline = read(path).map_err(Failure::usage)?;
    let sides = [
        ("model", &baseline.subject.model, &subject.model),
        ("network", &baseline.subject.network, &subject.network),
        ("schedule", &baseline.subject.schedule, &subject.schedule),
    ];
    if let Some((what, then, now)) = sides.into_iter().find(|(_, then, now)| then != now) {
        return Err(Failure::usage(anyhow!(
            "{} is the baseline of another {what}: {then:?} there, {now:?} here. Compare like with like, or make a \
             baseline of this one with --save",
            path.display()
        )));
    }
    Ok(baseline)
}

fn read(path: &Path) -> anyhow::Result<BenchReport> {
    let path_text = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline {path_text}"))?;
    let again = "make it again with `tympan bench --save`";
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("the baseline {path_text} is no JSON; {again}"))?;
    if value["format"] != FORMAT {
        return Err(anyhow!(
            "the baseline {path_text} has the format {}, and {FORMAT:?} is expected; {again}",
            value["format"]
        ));
    }
    serde_json::from_value(value)
        .with_context(|| format!("the baseline {path_text} is damaged; {again}"))
}

/// Looks, before anything is measured, whether a file could stand there.
///
/// # Errors
/// [`Failure`] with exit code 2.
pub fn check_folder(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let fault = match folder {
        _ if path.is_dir() => "it is a folder",
        Some(folder) if !folder.is_dir() => "its folder does not exist",
        _ => return Ok(()),
    };
    Err(Failure::usage(anyhow!("--save {}: {fault}; name a file", path.display())))
}

/// Keeps `report`; a baseline that was there before stays whole until the new one is.
///
/// # Errors
/// [`Failure`] when it cannot be written.
pub fn save(path: &Path, report: &BenchReport) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(Failure::failed)?;
    files::replace(path, format!("{text}\n").as_bytes(), Durability::Synced)
        .with_context(|| format!("cannot write the baseline {}", path.display()))
        .map_err(Failure::failed)
}
