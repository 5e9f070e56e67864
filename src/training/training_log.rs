//! `training.csv`: a row an epoch, written whole after each, so that a run that goes on has one log without seams.

use std::path::Path;

use super::{EpochReport, TrainingError};
use crate::files::{self, Durability, csv_text};

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
