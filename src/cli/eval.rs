//! `tympan eval` from its arguments to its exit code: how well a model classifies the clips of a dataset, and how well the
//! daemon would detect them in noise; its figures as text for a terminal.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::assembly::{Scorers, shipped_bundle};
use crate::cli::dataset_selection::DatasetSelection;
use crate::cli::output::{self, ProgressBars};
use crate::cli::{Failure, logging};
use crate::config::Engine;
use crate::evaluation::{
    EvaluationOptions, EvaluationReport, StreamingReport, Sweep, Treatment, evaluate,
};
use crate::plots::TrainingLog;
use crate::report::write_report;

/// Arguments of `tympan eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Dataset: a folder in a known layout, or a CSV with the columns path and label
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// What of the dataset is used
    #[command(flatten)]
    selection: DatasetSelection,
    /// Folds to measure on; by default the clips the model was validated on
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    folds: Vec<u32>,
    /// Measure recordings as they are, also where the model's were cleaned
    #[arg(long = "as-heard")]
    as_recorded: bool,
    /// Streaming figures as well: recording or folder of background noise to place the clips in; may be given again
    #[arg(long, value_name = "PATH")]
    background: Vec<PathBuf>,
    /// More sound that holds none of the labels, such as speech, to count false alarms in; may be given again
    #[arg(long, value_name = "PATH", requires = "background")]
    negatives: Vec<PathBuf>,
    /// Minutes of sound to count false alarms in
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    minutes: u32,
    /// Replay the streaming recordings under other settings of the detector as well
    #[arg(long, requires = "background")]
    sweep: bool,
    /// Seed of where clips are placed and how loud
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write a report there: index.html, figures.json, and every plot as SVG and PNG
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

impl EvalArguments {
    fn options(&self) -> EvaluationOptions {
        EvaluationOptions {
            data: self.data.clone(),
            dataset: self.selection.options(),
            on_fault: self.selection.on_fault(),
            folds: self.folds.clone(),
            treatment: if self.as_recorded { Treatment::AsRecorded } else { Treatment::AsTrained },
            background: self.background.clone(),
            negatives: self.negatives.clone(),
            minutes: self.minutes,
            sweep: if self.sweep { Sweep::Settings } else { Sweep::Defaults },
            seed: self.seed,
        }
    }
}

/// Measures, prints, and writes the report.
///
/// # Errors
/// [`Failure`] when model or dataset cannot be used, or the report not be written.
pub fn eval(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    let folder = arguments.model.clone().unwrap_or_else(shipped_bundle);
    let scorers =
        Scorers::open(&folder, Engine::Incremental, 1).map_err(Failure::device_or_model)?;
    let report = evaluate(scorers.model(), &arguments.options(), &ProgressBars::default())
        .map_err(Failure::of_measurement)?;
    if let Some(out) = &arguments.report {
        let log = folder.join("training.csv");
        let log = log.is_file().then(|| TrainingLog::load(&log, &report.model)).transpose();
        let log = log.map_err(Failure::failed)?;
        write_report(out, &report, log.as_ref()).map_err(Failure::failed)?;
        log::info!("{}", out.join("index.html").display());
    }
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&report_text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Warnings, totals, streaming figures, then a line a class.
fn report_text(report: &EvaluationReport) -> String {
    let figures = &report.classification;
    let mut text = String::new();
    for warning in report.warnings() {
        let _ = writeln!(text, "{warning}");
    }
    let _ = writeln!(
        text,
        "{} on {}, {}: {} clips, {} windows\n\
         clip accuracy {}, among the best three {}, window accuracy {}\n\
         macro precision {}, recall {}, F1 {}; mean average precision {}, macro AUC {}\n\
         calibration error of the best label {}",
        report.model,
        report.dataset,
        report.measured_on,
        figures.clips,
        figures.windows,
        percent(Some(figures.clip_accuracy)),
        percent(Some(figures.clip_top3_accuracy)),
        percent(Some(figures.window_accuracy)),
        percent(Some(figures.macro_precision)),
        percent(Some(figures.macro_recall)),
        percent(Some(figures.macro_f1)),
        percent(report.curves.macro_average_precision),
        percent(report.curves.macro_auc),
        percent(Some(report.calibration.best_label.expected_calibration_error)),
    );
    if let Some(streaming) = &report.streaming {
        streaming_text(streaming, &mut text);
    }
    let _ = writeln!(
        text,
        "\n{:<20} {:>9} {:>7} {:>7} {:>7} {:>8}",
        "label", "precision", "recall", "F1", "AUC", "support"
    );
    for (class, curves) in figures.classes.iter().zip(&report.curves.classes) {
        let _ = writeln!(
            text,
            "{:<20} {:>9} {:>7} {:>7} {:>7} {:>8}",
            class.label,
            cell(class.precision),
            cell(class.recall),
            cell(class.f1),
            cell(curves.roc.as_ref().map(|roc| roc.auc)),
            class.support
        );
    }
    text
}

fn streaming_text(streaming: &StreamingReport, text: &mut String) {
    let _ = writeln!(text, "\n{}", streaming.conditions);
    let rows =
        [("start within 1 s", &streaming.events), ("start within event", &streaming.events_within)];
    for (rule, events) in rows {
        let delay = events.delay.as_ref();
        let _ = writeln!(
            text,
            "{rule:<20} {} events: precision {}, recall {}, F1 {}; delay median {}, 90 % within {}",
            events.events,
            percent(events.precision),
            percent(events.recall),
            percent(events.f1),
            seconds(delay.map(|delay| delay.median_s)),
            seconds(delay.map(|delay| delay.p90_s)),
        );
    }
    let alarms = &streaming.false_alarms;
    let by_label: Vec<String> =
        alarms.by_label.iter().map(|it| format!("{} {}", it.label, it.alarms)).collect();
    let _ = writeln!(
        text,
        "{} false alarms in {:.0} min, {} an hour{}{}",
        alarms.alarms,
        alarms.seconds / 60.0,
        alarms.per_hour.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
        if by_label.is_empty() { "" } else { ": " },
        by_label.join(", ")
    );
    if !streaming.sweep.is_empty() {
        let _ = writeln!(
            text,
            "\n{:>8} {:>10} {:>6} {:>7} {:>9} {:>7} {:>7} {:>9}",
            "confirm", "smoothing", "scale", "recall", "precision", "F1", "delay", "alarms/h"
        );
    }
    for point in &streaming.sweep {
        let _ = writeln!(
            text,
            "{:>8} {:>7} ms {:>6.2} {:>7} {:>9} {:>7} {:>7} {:>9}",
            format!("{} of {}", point.confirm_windows, point.confirm_of),
            point.smoothing_ms,
            point.threshold_scale,
            cell(point.recall),
            cell(point.precision),
            cell(point.f1),
            seconds(point.median_delay_s),
            point.false_alarms_per_hour.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
        );
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn cell(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share * 100.0))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} s"))
}
