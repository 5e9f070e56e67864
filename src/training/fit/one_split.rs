//! One split → one fitted network → one bundle. Called once by `fit`, or once a fold.

use super::bundle::{self, TrainedNetwork};
use super::prepared::{Prepared, SplitJob};
use super::recordings::Recordings;
use super::{FitError, FitProgress};
use crate::model::Figures;
use crate::training::{RunOutcome, Trainer, TrainingFiles, TrainingTarget, Watch};

/// Whether a run begins or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartMode {
    /// From random weights.
    Fresh,
    /// From what is kept.
    Resume,
}

/// Trains on a split and writes its bundle; none if it was stopped before.
pub(super) fn fit_split(
    prepared: &Prepared<'_>,
    recordings: &Recordings,
    job: &SplitJob<'_>,
    start: StartMode,
    progress: &dyn FitProgress,
) -> Result<Option<Figures>, FitError> {
    let plan = prepared.plan;
    std::fs::create_dir_all(job.folder)?;
    let (set, sums) = recordings.set_of(job.split, plan.front_end.mel_bands);
    let target = TrainingTarget {
        front_end: &plan.front_end,
        window: plan.window,
        network: &plan.network,
        labels: prepared.labels.len(),
        normaliser: prepared.normaliser.clone().unwrap_or_else(|| sums.normaliser()),
        background_label: prepared.background_label,
        start: prepared.start.as_ref(),
        teacher: prepared.teacher.as_ref(),
    };
    let (train_clips, background_clips) = (set.train.len(), set.background.len());
    let mut trainer = Trainer::new(plan.training.clone(), &target, set)?;
    let files =
        TrainingFiles { folder: job.folder.to_owned(), checkpoint_every: plan.checkpoint_every };
    if start == StartMode::Resume && files.checkpoint().is_file() {
        trainer.resume(&files)?;
        let epochs = trainer.state().epochs.len();
        log::info!("{}: going on after {epochs} epochs", job.folder.display());
    }
    if run(&mut trainer, &files, progress)? == RunOutcome::Stopped {
        return Ok(None);
    }
    let trained = TrainedNetwork {
        normaliser: target.normaliser,
        weights: trainer.weights()?,
        epochs: trainer.state().epochs.len(),
        kept_epoch: trainer.kept_epoch(),
        train_clips,
        background_clips,
    };
    let figures = bundle::finish(prepared, recordings, job, trained, progress)?;
    std::fs::remove_file(files.checkpoint())?;
    Ok(Some(figures))
}

fn run(
    trainer: &mut Trainer,
    files: &TrainingFiles,
    progress: &dyn FitProgress,
) -> Result<RunOutcome, FitError> {
    let all_epochs = trainer.epochs();
    progress.begin_fit(trainer.steps(), trainer.state().step, all_epochs);
    let outcome = trainer.run(
        Some(files),
        &mut Watch {
            stop: progress.stop(),
            on_step: &mut |report| progress.on_step(report),
            on_epoch: &mut |report| progress.on_epoch(report),
        },
    );
    progress.end_fit();
    let outcome = outcome?;
    let epochs = trainer.state().epochs.len();
    if outcome == RunOutcome::Finished && epochs < all_epochs {
        log::info!("ended after epoch {epochs}: validation was no longer getting better");
    }
    Ok(outcome)
}
