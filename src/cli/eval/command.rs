//! `tympan eval` from its arguments to its exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::table;
use crate::assembly::{ModuleTrust, Scorers, shipped_bundle};
use crate::cli::dataset_selection::DatasetSelection;
use crate::cli::output::{self, ProgressBars};
use crate::cli::{Failure, logging};
use crate::config::Engine;
use crate::evaluation::{EvaluationOptions, Sweep, Treatment, evaluate};
use crate::offline::RecordingManifest;
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
    /// Recordings without any of the labels, to count false alarms in as they are, by kind: a kind is the folder's name; may
    /// be given again
    #[arg(long, value_name = "PATH")]
    unlabelled: Vec<PathBuf>,
    /// Kinds of sound that have no label and that training used as such, for open-set figures; may be given again
    #[arg(long, value_name = "PATH")]
    unknown_seen: Vec<PathBuf>,
    /// Kinds of sound that have no label and that training never used; may be given again
    #[arg(long, value_name = "PATH")]
    unknown: Vec<PathBuf>,
    /// CSV about the recordings of these three options, with a column `file` or `path`
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The manifest's column with the kind of sound; by default a kind is the folder's name
    #[arg(long, value_name = "COLUMN", requires = "manifest")]
    kind_column: Option<String>,
    /// The manifest's column with the speaker, room or device; by default the file's name up to the first separator
    #[arg(long, value_name = "COLUMN", requires = "manifest")]
    source_column: Option<String>,
    /// Write scores and truth of the streaming recordings there, as sed_scores_eval reads them
    #[arg(long, value_name = "FOLDER", requires = "background")]
    scores_tsv: Option<PathBuf>,
    /// Write the events of the streaming recordings there, as sed_eval reads them
    #[arg(long, value_name = "FILE", requires = "background")]
    events_tsv: Option<PathBuf>,
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
            unlabelled: self.unlabelled.clone(),
            manifest: self.manifest.clone().map(|path| RecordingManifest {
                path,
                kind_column: self.kind_column.clone(),
                source_column: self.source_column.clone(),
            }),
            unknown_seen: self.unknown_seen.clone(),
            unknown: self.unknown.clone(),
            scores_tsv: self.scores_tsv.clone(),
            events_tsv: self.events_tsv.clone(),
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
    let named = arguments.model.is_some();
    let trust = if named { ModuleTrust::Named } else { ModuleTrust::Nobody };
    let scorers =
        Scorers::open(&folder, Engine::Incremental, 1, &trust).map_err(Failure::device_or_model)?;
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
