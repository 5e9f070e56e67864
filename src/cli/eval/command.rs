//! `tympan eval` from its arguments to its exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::table;
use crate::assembly::{Scorers, shipped_bundle};
use crate::cli::dataset_selection::DatasetSelection;
use crate::cli::output::{self, ProgressBars};
use crate::cli::{Failure, logging};
use crate::config::Engine;
use crate::evaluation::{EvaluationOptions, Sweep, Treatment, evaluate};
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
        output::print(&table::text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}
