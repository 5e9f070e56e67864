//! One split → one trained network → one bundle. Called once by the command, or once a fold.

use super::bundle;
use super::interrupt::Interrupt;
use super::plan::{Plan, SplitJob};
use super::progress::TrainingProgress;
use super::recordings::Recordings;
use super::run_file::Beginning;
use crate::cli::Failure;
use crate::model::Figures;
use crate::training::{RunOutcome, Trainer, TrainingError, TrainingFiles, TrainingTarget, Watch};

/// Trains on a split and writes its bundle; none if it was stopped before.
///
/// # Errors
/// [`Failure`] when training fails or the bundle cannot be written.
pub fn train_split(
    plan: &Plan,
    recordings: &Recordings,
    job: &SplitJob<'_>,
    interrupt: &Interrupt,
    beginning: Beginning,
) -> Result<Option<Figures>, Failure> {
    interrupt.begin();
    std::fs::create_dir_all(job.folder)?;
    let (set, fit) = recordings.set_of(job.split, plan.front_end.mel_bands);
    let target = TrainingTarget {
        front_end: &plan.front_end,
        window: plan.window,
        network: &plan.network,
        labels: plan.dataset.labels.len(),
        normaliser: fit.normaliser(),
    };
    let (train_clips, background_clips) = (set.train.len(), set.background.len());
    let mut trainer = Trainer::new(plan.spec.clone(), &target, set).map_err(failure_of)?;
    let files =
        TrainingFiles { folder: job.folder.to_owned(), checkpoint_every: plan.checkpoint_every };
    if beginning == Beginning::Resumed && files.checkpoint().is_file() {
        trainer.resume(&files).map_err(failure_of)?;
        let epochs = trainer.state().epochs.len();
        log::info!("{}: going on after {epochs} epochs", job.folder.display());
    }
    let outcome = run(plan, &mut trainer, &files, interrupt)?;
    if outcome == RunOutcome::Stopped {
        return Ok(None);
    }
    interrupt.end();
    let made = bundle::Made {
        normaliser: target.normaliser,
        weights: trainer.weights().map_err(Failure::failed)?,
        epochs: trainer.state().epochs.len(),
        kept_epoch: trainer.kept_epoch(),
        train_clips,
        background_clips,
    };
    let figures = bundle::finish(plan, recordings, job, made)?;
    std::fs::remove_file(files.checkpoint())?;
    Ok(Some(figures))
}

fn run(
    plan: &Plan,
    trainer: &mut Trainer,
    files: &TrainingFiles,
    interrupt: &Interrupt,
) -> Result<RunOutcome, Failure> {
    let (steps, done) = (trainer.steps(), trainer.state().step);
    let progress = std::cell::RefCell::new(TrainingProgress::new(steps, done, plan.spec.epochs));
    let outcome = trainer.run(
        Some(files),
        &mut Watch {
            stop: &interrupt.stop,
            on_step: &mut |report| progress.borrow_mut().step(report),
            on_epoch: &mut |report| progress.borrow_mut().epoch(report),
        },
    );
    progress.into_inner().finish();
    let outcome = outcome.map_err(failure_of)?;
    let epochs = trainer.state().epochs.len();
    if outcome == RunOutcome::Finished && epochs < plan.spec.epochs {
        log::info!("ended after epoch {epochs}: validation was no longer getting better");
    }
    Ok(outcome)
}

/// What the arguments caused is told from what happened.
fn failure_of(error: TrainingError) -> Failure {
    match error {
        TrainingError::Spec { .. }
        | TrainingError::NoClips { .. }
        | TrainingError::OtherRun { .. }
        | TrainingError::BadCheckpoint { .. } => Failure::usage(error),
        _ => Failure::failed(error),
    }
}
