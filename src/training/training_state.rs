//! How far a training run has come: what its checkpoint keeps besides tensors, and what its log tells of every epoch.

use serde::{Deserialize, Serialize};

/// One epoch's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: usize,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Mean loss per augmented, mixed window: not to be compared with the validation's.
    pub train_loss: f64,
    /// Share of those windows whose best label is the one with the largest share in them.
    pub train_accuracy: f64,
    /// Seconds it took, validation included.
    pub seconds: f64,
    /// The network on a sample of the training clips as they are, when validation was due: this is to be compared.
    pub plain: Option<Validation>,
    /// The network on the validation clips, when validation was due.
    pub validation: Option<Validation>,
}

/// How a network does on clips as they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Mean loss per window that carries a label.
    pub loss: f64,
    /// Share of clips whose best label is right.
    pub clip_accuracy: f64,
    /// Share of the windows that carry a label whose best label is right.
    pub window_accuracy: f64,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingState {
    /// Steps done, over all epochs.
    pub step: usize,
    /// Sums over the windows of the unfinished epoch.
    pub sums: EpochSums,
    /// The epoch with the lowest validation loss.
    pub best_epoch: Option<usize>,
    /// That loss.
    pub best_loss: Option<f64>,
    /// Validations since then.
    pub stale: usize,
    /// Every epoch done.
    pub epochs: Vec<EpochReport>,
}

/// What is summed over an epoch's windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSums {
    /// Steps.
    pub steps: usize,
    /// Loss of each step.
    pub loss: f64,
    /// Windows with a label.
    pub windows: usize,
    /// Those of them whose best label is right.
    pub right: usize,
    /// Seconds.
    pub seconds: f64,
}

impl EpochSums {
    /// Mean loss per window so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    /// Share of windows told right so far.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.windows.max(1) as f64
    }
}

impl TrainingState {
    /// Takes in a validation; says whether its loss is the lowest so far.
    pub fn note_validation(&mut self, epoch: usize, loss: f64) -> bool {
        let is_best = self.best_loss.is_none_or(|best| loss < best);
        if is_best {
            (self.best_epoch, self.best_loss, self.stale) = (Some(epoch), Some(loss), 0);
        } else {
            self.stale += 1;
        }
        is_best
    }
}
