//! Reports kept in files, and whether one can be compared with a measurement to come.

use std::path::Path;

use serde_json::Value;

use super::BenchmarkError;
use super::report::{BenchReport, FORMAT, Subject};
use crate::files::{self, Durability};

/// Reads a baseline for a measurement of `subject`.
///
/// # Errors
/// [`BenchmarkError`]: a file that cannot be read, is no report of this format, or is about another model or schedule.
pub fn load_baseline(path: &Path, subject: &Subject) -> Result<BenchReport, BenchmarkError> {
    let baseline = read(path)?;
    let sides = [
        ("model", &baseline.subject.model, &subject.model),
        ("network", &baseline.subject.network, &subject.network),
        ("schedule", &baseline.subject.schedule, &subject.schedule),
    ];
    if let Some((what, then, now)) = sides.into_iter().find(|(_, then, now)| then != now) {
        let (path, then, now) = (path.to_owned(), then.clone(), now.clone());
        return Err(BenchmarkError::OtherSubject { path, what, then, now });
    }
    Ok(baseline)
}

fn read(path: &Path) -> Result<BenchReport, BenchmarkError> {
    let path = path.to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(BenchmarkError::NoBaseline { path, source }),
    };
    let value: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(source) => return Err(BenchmarkError::NoJson { path, source }),
    };
    if value["format"] != FORMAT {
        let found = value["format"].to_string();
        return Err(BenchmarkError::OtherFormat { path, found, expected: FORMAT });
    }
    serde_json::from_value(value).map_err(|source| BenchmarkError::Damaged { path, source })
}

/// Looks, before anything is measured, whether a file could stand there.
///
/// # Errors
/// [`BenchmarkError::Place`].
pub fn check_place(path: &Path) -> Result<(), BenchmarkError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let fault = match folder {
        _ if path.is_dir() => "it is a folder",
        Some(folder) if !folder.is_dir() => "its folder does not exist",
        _ => return Ok(()),
    };
    Err(BenchmarkError::Place { path: path.to_owned(), fault })
}

/// Keeps `report`; a baseline that was there before stays whole until the new one is.
///
/// # Errors
/// [`BenchmarkError::Write`] when it cannot be written.
pub fn save_baseline(path: &Path, report: &BenchReport) -> Result<(), BenchmarkError> {
    let text = serde_json::to_string_pretty(report).map_err(std::io::Error::from);
    text.and_then(|text| files::replace(path, format!("{text}\n").as_bytes(), Durability::Synced))
        .map_err(|source| BenchmarkError::Write { path: path.to_owned(), source })
}
