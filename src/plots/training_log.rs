//! The table that training writes, one row an epoch, read by the names of its columns. Feeds the learning curves.

use std::path::Path;

use super::PlotError;

const EPOCH: &str = "epoch";
const COLUMNS: [&str; 7] = [
    "train_loss",
    "train_accuracy",
    "train_plain_loss",
    "train_plain_accuracy",
    "validation_loss",
    "validation_clip_accuracy",
    "validation_window_accuracy",
];

/// What one epoch came to; what was not measured is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EpochFigures {
    /// Counts as the log does.
    pub epoch: f64,
    /// Mean loss over the training windows.
    pub train_loss: Option<f64>,
    /// Share of the training windows that were right.
    pub train_accuracy: Option<f64>,
    /// Mean loss over the training set as validation would measure it: nothing mixed, masked or dropped.
    pub train_plain_loss: Option<f64>,
    /// Share of the training set that is right, measured so.
    pub train_plain_accuracy: Option<f64>,
    /// Mean loss over the validation windows.
    pub validation_loss: Option<f64>,
    /// Share of the validation clips that were right.
    pub validation_clip_accuracy: Option<f64>,
    /// Share of the validation windows that were right.
    pub validation_window_accuracy: Option<f64>,
}

/// A training run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingLog {
    /// What the legend calls it.
    pub name: String,
    /// Its epochs in order.
    pub epochs: Vec<EpochFigures>,
}

impl TrainingLog {
    /// Reads a log. Columns it does not know it passes over; of those it knows it needs `epoch` and one other. A last
    /// row that is cut short, as a killed run leaves it, ends the log.
    ///
    /// # Errors
    /// [`PlotError::LogUnreadable`], [`PlotError::LogColumn`], [`PlotError::LogNumber`], or [`PlotError::Empty`] without
    /// an epoch.
    pub fn load(path: &Path, name: &str) -> Result<Self, PlotError> {
        let unreadable = |source| PlotError::LogUnreadable { path: path.to_owned(), source };
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable)?;
        let headings = reader.headers().map_err(unreadable)?.clone();
        let place = |column: &str| headings.iter().position(|heading| heading.trim() == column);
        let missing = |column| PlotError::LogColumn {
            path: path.to_owned(),
            column,
            known: format!("{EPOCH}, {}", COLUMNS.join(", ")),
        };
        let epoch = place(EPOCH).ok_or_else(|| missing(EPOCH))?;
        let places = COLUMNS.map(place);
        if places.iter().all(Option::is_none) {
            return Err(missing("validation_loss"));
        }
        let mut epochs = Vec::new();
        for row in reader.records() {
            let row = row.map_err(unreadable)?;
            if row.len() < headings.len() {
                break;
            }
            let cell = |place: usize| number(path, &headings, &row, place);
            let mut figures = [None; COLUMNS.len()];
            for (figure, place) in figures.iter_mut().zip(places) {
                *figure = place.map(cell).transpose()?.flatten();
            }
            let [train_loss, train_accuracy, plain_loss, plain_accuracy, loss, clip, window] =
                figures;
            epochs.push(EpochFigures {
                epoch: cell(epoch)?.unwrap_or(epochs.len() as f64),
                train_loss,
                train_accuracy,
                train_plain_loss: plain_loss,
                train_plain_accuracy: plain_accuracy,
                validation_loss: loss,
                validation_clip_accuracy: clip,
                validation_window_accuracy: window,
            });
        }
        if epochs.is_empty() {
            let what = "the log has no epoch";
            return Err(PlotError::Empty { picture: "the learning curves", what });
        }
        Ok(Self { name: name.to_owned(), epochs })
    }
}

/// A cell's number: none where it is empty or not finite.
fn number(
    path: &Path,
    headings: &csv::StringRecord,
    row: &csv::StringRecord,
    place: usize,
) -> Result<Option<f64>, PlotError> {
    let text = row.get(place).unwrap_or("").trim();
    if text.is_empty() {
        return Ok(None);
    }
    let fault = |_| PlotError::LogNumber {
        path: path.to_owned(),
        line: row.position().map_or(0, csv::Position::line),
        column: headings.get(place).unwrap_or("").to_owned(),
        found: text.to_owned(),
    };
    text.parse().map(|number: f64| number.is_finite().then_some(number)).map_err(fault)
}
