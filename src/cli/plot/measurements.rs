//! Pictures of what `tympan eval --json` printed: confusion matrix and ROC curves.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::destination::{Destination, failure_of, name};
use crate::cli::Failure;
use crate::plots::{RateCurve, draw_confusion, draw_roc};

/// Labels of curves that are averages of others.
const AVERAGES: [&str; 2] = ["macro average", "micro average"];

/// Arguments of `tympan plot confusion` and `tympan plot roc`.
#[derive(Debug, Args)]
pub(super) struct MeasurementArguments {
    /// What `tympan eval --json` printed
    #[arg(value_name = "JSON")]
    file: PathBuf,
    #[command(flatten)]
    destination: Destination,
}

/// A class as the measurement has it; what else is known of it is passed over.
#[derive(Debug, Deserialize)]
struct MeasuredClass {
    label: String,
}

/// A curve as the measurement has it.
#[derive(Debug, Deserialize)]
struct MeasuredCurve {
    label: String,
    auc: Option<f64>,
    points: Vec<MeasuredPoint>,
}

/// `[x, y]`, or with the rates named.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum MeasuredPoint {
    Pair(f64, f64),
    Named { false_positive_rate: f64, true_positive_rate: f64 },
}

/// Draws the confusion matrix.
pub(super) fn confusion(arguments: &MeasurementArguments) -> Result<(), Failure> {
    let measurement = read(&arguments.file)?;
    let counts: Vec<Vec<usize>> = field(&measurement, "confusion", &arguments.file)?;
    let classes: Vec<MeasuredClass> = field(&measurement, "classes", &arguments.file)?;
    let labels: Vec<&str> = classes.iter().map(|class| class.label.as_str()).collect();
    let sheet = arguments.destination.sheet(title(&measurement, &arguments.file));
    let picture = draw_confusion(&labels, &counts, &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "confusion")
}

/// Draws the ROC curves.
pub(super) fn roc(arguments: &MeasurementArguments) -> Result<(), Failure> {
    let measurement = read(&arguments.file)?;
    let curves: Vec<MeasuredCurve> = field(&measurement, "roc", &arguments.file)?;
    let (averages, classes): (Vec<RateCurve>, Vec<RateCurve>) = curves
        .into_iter()
        .map(RateCurve::from)
        .partition(|curve| AVERAGES.contains(&curve.label.as_str()));
    let sheet = arguments.destination.sheet(title(&measurement, &arguments.file));
    let picture = draw_roc(&classes, &averages, &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "roc")
}

impl From<MeasuredCurve> for RateCurve {
    fn from(curve: MeasuredCurve) -> Self {
        let points = curve.points.iter().map(|point| match *point {
            MeasuredPoint::Pair(x, y) => (x, y),
            MeasuredPoint::Named { false_positive_rate, true_positive_rate } => {
                (false_positive_rate, true_positive_rate)
            }
        });
        Self { label: curve.label, area: curve.auc, points: points.collect() }
    }
}

fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
    serde_json::from_str(&text)
        .with_context(|| {
            format!("{}: no JSON; give what `tympan eval --json` printed", path.display())
        })
        .map_err(Failure::usage)
}

fn field<T: DeserializeOwned>(measurement: &Value, key: &str, path: &Path) -> Result<T, Failure> {
    let Some(value) = measurement.get(key) else {
        return Err(Failure::usage(anyhow!(
            "{}: no key `{key}`; give what `tympan eval --json` of this version printed",
            path.display()
        )));
    };
    T::deserialize(value)
        .with_context(|| {
            format!("{}: `{key}` is not as `tympan eval --json` prints it", path.display())
        })
        .map_err(Failure::usage)
}

/// Model, dataset and accuracy, as far as the measurement tells them.
fn title(measurement: &Value, path: &Path) -> String {
    let text = |key: &str| measurement.get(key).and_then(Value::as_str);
    let mut title = match (text("model"), text("dataset")) {
        (Some(model), Some(dataset)) => format!("{model} on {dataset}"),
        _ => name(path),
    };
    if let Some(accuracy) = measurement.get("clip_accuracy").and_then(Value::as_f64) {
        title = format!("{title}: {:.1} % of clips right", accuracy * 100.0);
    }
    title
}
