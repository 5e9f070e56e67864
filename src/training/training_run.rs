//! The training loop: epochs of steps, with batches made one ahead on a thread of their own, a log, checkpoints, and a
//! flag that stops it. Called by the commands.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use super::{Batch, Batches, Checkpoint, EpochReport, Trainer, TrainingError, write_log};

/// Batches made ahead: one is enough for libtorch never to wait, as making one takes a small part of a step.
const BATCHES_AHEAD: usize = 1;

/// Where a run keeps its log and its checkpoint.
#[derive(Debug, Clone)]
pub struct TrainingFiles {
    /// The folder, which must exist.
    pub folder: PathBuf,
    /// Least time between two checkpoints; they are made at the ends of epochs.
    pub checkpoint_every: Duration,
}

/// Receives a run's progress, and may stop it.
pub struct Watch<'a> {
    /// Once set, the step under way is the last: the run is saved and returns.
    pub stop: &'a AtomicBool,
    /// Called after every step.
    pub on_step: &'a mut dyn FnMut(StepReport),
    /// Called after every epoch.
    pub on_epoch: &'a mut dyn FnMut(&EpochReport),
}

/// How an epoch under way is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps done over all epochs.
    pub step: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Share of its windows classified correctly so far.
    pub accuracy: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// All is learnt.
    Finished,
    /// It was stopped, and can go on.
    Stopped,
}

impl TrainingFiles {
    /// The checkpoint's place.
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// The log's place.
    pub fn log(&self) -> PathBuf {
        self.folder.join("training.csv")
    }
}

impl Trainer {
    /// Trains to the end, or until it is stopped. A run that was restored goes on bit by bit as if it had never stopped.
    ///
    /// # Errors
    /// [`TrainingError::Diverged`] when loss or gradient is not a number, [`TrainingError::File`] when log or checkpoint
    /// cannot be written, [`TrainingError::Torch`] when libtorch fails. The last checkpoint stays as it is.
    pub fn run(
        &mut self,
        files: Option<&TrainingFiles>,
        watch: &mut Watch<'_>,
    ) -> Result<RunOutcome, TrainingError> {
        if self.has_ended() {
            return Ok(RunOutcome::Finished);
        }
        if let Some(files) = files {
            // from now on there is something to go on from
            self.save(files)?;
        }
        let (first, end) = (self.state.step, self.steps());
        let batches = Arc::clone(&self.batches);
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let outcome = std::thread::scope(|scope| {
            let make = move || {
                for batch in ahead(&batches, first, end) {
                    if sender.send(batch).is_err() {
                        return; // the run has ended before its last step
                    }
                }
            };
            let spawned =
                std::thread::Builder::new().name("tympan-batches".into()).spawn_scoped(scope, make);
            spawned.map_err(|source| TrainingError::Thread { source })?;
            self.take_steps(receiver, files, watch)
        });
        outcome.map_err(|error| match files {
            Some(files) => error.with_kept(&files.checkpoint(), self.state.epochs.len()),
            None => error,
        })
    }

    fn take_steps(
        &mut self,
        batches: Receiver<Batch>,
        files: Option<&TrainingFiles>,
        watch: &mut Watch<'_>,
    ) -> Result<RunOutcome, TrainingError> {
        let steps_per_epoch = self.batches.steps_per_epoch();
        let (mut began, mut saved) = (Instant::now(), Instant::now());
        for batch in batches {
            let rate = self.step(&batch)?;
            (watch.on_step)(StepReport {
                epoch: self.state.epochs.len() + 1,
                step: self.state.step,
                loss: self.state.sums.mean_loss(),
                accuracy: self.state.sums.accuracy(),
            });
            if self.state.sums.steps == steps_per_epoch {
                let report = self.end_epoch(rate, began.elapsed().as_secs_f64())?;
                began = Instant::now();
                if let Some(files) = files {
                    write_log(&files.log(), &self.state.epochs)?;
                    if saved.elapsed() >= files.checkpoint_every || self.has_ended() {
                        self.save(files)?;
                        saved = Instant::now();
                    }
                }
                (watch.on_epoch)(&report);
            }
            if self.has_ended() {
                break;
            }
            // Relaxed: the flag guards no other memory.
            if watch.stop.load(Ordering::Relaxed) {
                self.state.sums.seconds += began.elapsed().as_secs_f64();
                if let Some(files) = files {
                    self.save(files)?;
                }
                return Ok(RunOutcome::Stopped);
            }
        }
        Ok(RunOutcome::Finished)
    }

    fn save(&self, files: &TrainingFiles) -> Result<(), TrainingError> {
        self.checkpoint()?.save(&files.checkpoint())
    }

    /// Goes on from the checkpoint of `files`, and brings the log back to where that was made.
    ///
    /// # Errors
    /// As [`Checkpoint::load`] and [`Trainer::restore`].
    pub fn resume(&mut self, files: &TrainingFiles) -> Result<(), TrainingError> {
        let path = files.checkpoint();
        self.restore(&Checkpoint::load(&path)?, &path)?;
        write_log(&files.log(), &self.state.epochs)
    }
}

/// The batches of the steps `first..end`.
fn ahead(batches: &Batches, first: usize, end: usize) -> impl Iterator<Item = Batch> {
    let steps_per_epoch = batches.steps_per_epoch();
    let mut order = batches.order(first / steps_per_epoch);
    (first..end).map(move |step| {
        if step % steps_per_epoch == 0 {
            order = batches.order(step / steps_per_epoch);
        }
        batches.batch(step, &order)
    })
}

impl TrainingError {
    /// Reports what is left when training diverged.
    fn with_kept(self, checkpoint: &Path, epochs: usize) -> Self {
        match self {
            Self::Diverged { what, found, epoch, step, rate, .. } => {
                let kept = match epochs {
                    0 => "Nothing was learnt yet".to_owned(),
                    epochs => format!(
                        "The log of {epochs} epochs and the last checkpoint before it, {}, are kept",
                        checkpoint.display()
                    ),
                };
                Self::Diverged { what, found, epoch, step, rate, kept }
            }
            other => other,
        }
    }
}
