//! How far a training run has come: what its checkpoint keeps besides tensors, and `training.csv`, its log, a row an epoch,
//! written whole after each, so that a run that goes on has one log without seams.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TrainingError;
use crate::files::{self, Durability, csv_text};

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

    /// Share of windows classified correctly so far.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.windows.max(1) as f64
    }
}

impl TrainingState {
    /// Adds a validation; gives whether its loss is the lowest so far.
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

/// The columns, in order.
pub const COLUMNS: [&str; 10] = [
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_clip_accuracy",
    "validation_window_accuracy",
    "train_plain_loss",
    "train_plain_accuracy",
    "seconds",
];

/// The log's text. Cells of what was not measured are empty; `train_plain_accuracy` is by clip.
pub fn log_text(epochs: &[EpochReport]) -> String {
    let cell = |value: Option<f64>| value.map_or_else(String::new, |it| format!("{it:.6}"));
    let row = |report: &EpochReport| {
        let (validation, plain) = (report.validation, report.plain);
        [
            report.epoch.to_string(),
            format!("{:.3e}", report.learning_rate),
            cell(Some(report.train_loss)),
            cell(Some(report.train_accuracy)),
            cell(validation.map(|it| it.loss)),
            cell(validation.map(|it| it.clip_accuracy)),
            cell(validation.map(|it| it.window_accuracy)),
            cell(plain.map(|it| it.loss)),
            cell(plain.map(|it| it.clip_accuracy)),
            format!("{:.1}", report.seconds),
        ]
    };
    let heading = COLUMNS.map(str::to_owned);
    csv_text(std::iter::once(heading).chain(epochs.iter().map(row)))
}

/// Writes the log; nobody reads half of it.
///
/// # Errors
/// [`TrainingError::File`] when it cannot be written.
pub fn write_log(path: &Path, epochs: &[EpochReport]) -> Result<(), TrainingError> {
    files::replace(path, log_text(epochs).as_bytes(), Durability::Synced)
        .map_err(|source| TrainingError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::super::Validation;
    use super::*;

    #[test]
    fn epochs_without_validation_have_empty_cells_in_every_row_s_place() {
        let plain = EpochReport {
            epoch: 1,
            learning_rate: 2e-3,
            train_loss: 4.5,
            train_accuracy: 0.25,
            seconds: 12.34,
            plain: None,
            validation: None,
        };
        let measured = Validation { loss: 2.0, clip_accuracy: 0.5, window_accuracy: 0.4 };
        let validated = EpochReport {
            epoch: 2,
            validation: Some(measured),
            plain: Some(Validation { loss: 1.0, clip_accuracy: 0.75, window_accuracy: 0.7 }),
            ..plain
        };
        let text = log_text(&[plain, validated]);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], COLUMNS.join(","));
        assert_eq!(rows[1], "1,2.000e-3,4.500000,0.250000,,,,,,12.3");
        assert_eq!(
            rows[2],
            "2,2.000e-3,4.500000,0.250000,2.000000,0.500000,0.400000,1.000000,0.750000,12.3"
        );
        assert!(rows.iter().all(|row| row.matches(',').count() == 9));
    }
}
