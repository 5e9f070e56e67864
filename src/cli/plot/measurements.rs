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

/// The curves as the measurement has them.
#[derive(Debug, Deserialize)]
struct MeasuredCurves {
    micro_roc: Option<MeasuredRoc>,
    classes: Vec<MeasuredClassCurves>,
}

/// A class's curves; one that has no clip, or all of them, has none.
#[derive(Debug, Deserialize)]
struct MeasuredClassCurves {
    label: String,
    roc: Option<MeasuredRoc>,
}

#[derive(Debug, Deserialize)]
struct MeasuredRoc {
    auc: f64,
    points: Vec<MeasuredPoint>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct MeasuredPoint {
    false_positive_rate: f64,
    true_positive_rate: f64,
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
    let curves: MeasuredCurves = field(&measurement, "curves", &arguments.file)?;
    let average = curves.micro_roc.map(|roc| roc.drawn("all classes in one"));
    let classes = curves.classes.into_iter();
    let classes: Vec<RateCurve> =
        classes.filter_map(|class| Some(class.roc?.drawn(&class.label))).collect();
    let sheet = arguments.destination.sheet(title(&measurement, &arguments.file));
    let picture = draw_roc(&classes, average.as_slice(), &sheet).map_err(failure_of)?;
    arguments.destination.write(&picture, &arguments.file, "roc")
}

impl MeasuredRoc {
    fn drawn(self, label: &str) -> RateCurve {
        let points = self.points.iter();
        RateCurve {
            label: label.to_owned(),
            area: Some(self.auc),
            points: points.map(|at| (at.false_positive_rate, at.true_positive_rate)).collect(),
        }
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

/// Model, dataset and accuracy, as far as the measurement has them.
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
