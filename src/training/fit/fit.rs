//! Carries out a plan: every split → a fitted network → a bundle. Called by `tympan train`, or from code.

use std::path::Path;
use std::time::{Duration, Instant};

use super::k_fold;
use super::one_split::{StartMode, fit_split};
use super::plan::{keep_plan, remove_plan, require_no_bundle, require_no_run};
use super::prepared::{Prepared, SplitJob, Splits};
use super::recordings::Recordings;
use super::{FitError, FitProgress, KFoldReport, TrainingPlan};
use crate::files;
use crate::model::Figures;
use crate::torch::configure_runtime;

/// What a plan came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Fitted {
    /// One bundle, and how well it does.
    Bundle(Figures),
    /// A bundle a fold.
    Folds(KFoldReport),
}

/// Trains, calibrates and writes what the plan says; none if it was stopped, and can go on with [`resume`].
///
/// Sets libtorch's threads for the whole process.
///
/// ```no_run
/// use tympan::training::{TrainingPlan, fit};
///
/// let mut plan = TrainingPlan::new("datasets/esc50", "models/mine")?;
/// plan.training.epochs = 50;
/// fit(&plan, &())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FitError`]: whatever of the plan can be checked is checked before anything is written.
pub fn fit(plan: &TrainingPlan, progress: &dyn FitProgress) -> Result<Option<Fitted>, FitError> {
    require_no_run(&plan.out)?;
    require_no_bundle(plan)?;
    carry_out(plan, StartMode::Fresh, progress)
}

/// Goes on with a plan that was stopped: [`super::unfinished`] gives it. The weights are those of a run that never was.
///
/// # Errors
/// As [`fit`]; [`crate::training::TrainingError::OtherRun`] when recordings have changed meanwhile.
pub fn resume(plan: &TrainingPlan, progress: &dyn FitProgress) -> Result<Option<Fitted>, FitError> {
    carry_out(plan, StartMode::Resume, progress)
}

fn carry_out(
    plan: &TrainingPlan,
    start: StartMode,
    progress: &dyn FitProgress,
) -> Result<Option<Fitted>, FitError> {
    let prepared = Prepared::new(plan)?;
    configure_runtime(plan.threads);
    require_writable(&plan.out)?;
    for split in prepared.all_splits().iter().filter(|split| split.leaky) {
        log::warn!("LEAKY split: {}", split.description);
    }
    let recordings = Recordings::read(&prepared, progress)?;
    std::fs::create_dir_all(&plan.out)?;
    if start == StartMode::Fresh {
        keep_plan(plan)?;
    }
    let begun = Instant::now();
    let fitted = match &prepared.splits {
        Splits::One(split, spec) => {
            let job = SplitJob { split, spec: Some(spec), folder: &plan.out };
            fit_split(&prepared, &recordings, &job, start, progress)?.map(Fitted::Bundle)
        }
        Splits::KFold(splits) => {
            k_fold::fit_folds(&prepared, &recordings, splits, start, progress)?.map(Fitted::Folds)
        }
    };
    if fitted.is_some() {
        remove_plan(&plan.out)?;
        log::info!("took {}", in_words(begun.elapsed()));
    }
    Ok(fitted)
}

fn in_words(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Hours of training must not end at a folder that cannot be written.
fn require_writable(folder: &Path) -> Result<(), FitError> {
    let made = !folder.exists();
    let tried = std::fs::create_dir_all(folder).and_then(|()| files::probe_folder(folder));
    if made {
        // only if it is empty, and it comes back when there is something to write
        let _ = std::fs::remove_dir(folder);
    }
    tried.map_err(|source| FitError::NotWritable { folder: folder.to_owned(), source })
}
