//! `tympan train` from its arguments to its exit code.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;

use super::interrupt::{INTERRUPTED, Interrupt};
use super::k_fold;
use super::one_split::train_split;
use super::options::{TrainArguments, quoted};
use super::plan::{Plan, SplitJob, Splits};
use super::recordings::Recordings;
use super::run_file::{self, Beginning};
use crate::cli::{Failure, logging};
use crate::files;
use crate::model::configure_runtime;

/// Trains, measures, writes.
///
/// # Errors
/// [`Failure`] when options, dataset or folder cannot be used, or training fails.
pub fn train(arguments: &TrainArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    let interrupt = Interrupt::listen()?;
    let (arguments, beginning) = run_file::options(arguments)?;
    let plan = Plan::new(arguments)?;
    configure_runtime(plan.arguments.threads.unwrap_or(1));
    require_writable(&plan.out)?;
    for split in plan.all_splits() {
        if split.leaky {
            log::warn!("LEAKY split: {}", split.description);
        }
    }
    let recordings = Recordings::read(&plan)?;
    std::fs::create_dir_all(&plan.out)?;
    if beginning == Beginning::Anew {
        run_file::write(&plan.out, &plan.arguments)?;
    }
    let begun = Instant::now();
    let is_done = match &plan.splits {
        Splits::One(split, spec) => {
            let job = SplitJob { split, spec: Some(spec), folder: &plan.out };
            train_split(&plan, &recordings, &job, &interrupt, beginning)?.is_some()
        }
        Splits::KFold(splits) => k_fold::train(&plan, &recordings, splits, &interrupt, beginning)?,
    };
    if !is_done {
        let out = quoted(&plan.out.display().to_string());
        log::info!("saved; go on with\n  tympan train --resume {out}");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    run_file::remove(&plan.out)?;
    log::info!("trained for {:.0} min", begun.elapsed().as_secs_f64() / 60.0);
    Ok(ExitCode::SUCCESS)
}

/// Hours of training must not end at a folder that cannot be written.
fn require_writable(folder: &Path) -> Result<(), Failure> {
    let made = !folder.exists();
    let tried = std::fs::create_dir_all(folder).and_then(|()| files::probe_folder(folder));
    if made {
        // only if it is empty, and it comes back when there is something to write
        let _ = std::fs::remove_dir(folder);
    }
    tried.map_err(|error| {
        Failure::usage(anyhow!(
            "{}: the bundle cannot be written there ({error}); choose another --out",
            folder.display()
        ))
    })
}
