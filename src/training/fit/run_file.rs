//! `run.json` in the folder of an unfinished run: its plan. Written before the first step, removed when all is done.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{FitError, TrainingPlan};
use crate::files::{self, Durability};

const NAME: &str = "run.json";

fn path_in(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// The plan of the unfinished run in `folder`.
///
/// # Errors
/// [`FitError::NoRun`] when there is none, [`FitError::BadRun`] when it is damaged or another version's.
pub fn unfinished(folder: &Path) -> Result<TrainingPlan, FitError> {
    let file = path_in(folder);
    let text = std::fs::read_to_string(&file).map_err(|source| FitError::NoRun {
        folder: folder.to_owned(),
        file: file.clone(),
        source,
    })?;
    let bad = |reason: String| FitError::BadRun { file: file.clone(), reason };
    let plan: Value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if plan["version"] != TrainingPlan::VERSION {
        return Err(bad("it was begun by another version of tympan".to_owned()));
    }
    let mut plan: TrainingPlan =
        serde_json::from_value(plan).map_err(|error| bad(error.to_string()))?;
    // the folder may have been moved
    plan.out = folder.to_owned();
    Ok(plan)
}

/// Refuses a folder that holds an unfinished run.
pub(super) fn require_none(folder: &Path) -> Result<(), FitError> {
    let file = path_in(folder);
    if file.is_file() {
        return Err(FitError::Unfinished { folder: folder.to_owned(), file });
    }
    Ok(())
}

/// Keeps the plan of a run that begins.
pub(super) fn write(plan: &TrainingPlan) -> Result<(), FitError> {
    let text = serde_json::to_string_pretty(plan)?;
    Ok(files::replace(&path_in(&plan.out), text.as_bytes(), Durability::Synced)?)
}

/// The run is done.
pub(super) fn remove(folder: &Path) -> Result<(), FitError> {
    Ok(std::fs::remove_file(path_in(folder))?)
}
