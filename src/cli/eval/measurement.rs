//! The measurement: clips chosen, scored, counted, printed and reported. Called by `cli`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::chosen_clips::ChosenClips;
use super::{streaming, table};
use crate::assembly::Scorers;
use crate::cli::dataset_selection::DatasetSelection;
use crate::cli::scoring::score_clips;
use crate::cli::setup::shipped_bundle;
use crate::cli::{Failure, logging, output};
use crate::config::Engine;
use crate::evaluation::{
    CalibrationFigures, ClassificationFigures, ClipScores, CurveFigures, mistakes,
};
use crate::offline::{ClipFault, OnFault, check_faults};
use crate::plots::TrainingLog;
use crate::report::{Calibration, EvaluationReport, write_report};

/// Arguments of `tympan eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Dataset: a folder in a known layout, or a CSV with the columns path and label
    #[arg(long, value_name = "PATH")]
    pub(super) data: PathBuf,
    /// What of the dataset is used
    #[command(flatten)]
    pub(super) selection: DatasetSelection,
    /// Folds to measure on; by default the clips the model was validated on
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    pub(super) folds: Vec<u32>,
    /// Measure recordings as they are, also where the model's were cleaned
    #[arg(long)]
    pub(super) as_heard: bool,
    /// Streaming figures as well: recording or folder of background noise to place the clips in; may be given again
    #[arg(long, value_name = "PATH")]
    pub(super) background: Vec<PathBuf>,
    /// More sound that holds none of the labels, such as speech, to count false alarms in; may be given again
    #[arg(long, value_name = "PATH", requires = "background")]
    pub(super) negatives: Vec<PathBuf>,
    /// Minutes of sound to count false alarms in
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub(super) minutes: u32,
    /// Replay the streaming recordings under other settings of the detector as well
    #[arg(long, requires = "background")]
    pub(super) sweep: bool,
    /// Seed of where clips are placed and how loud
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write a report there: index.html, figures.json, and every plot as SVG and PNG
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
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
    let model = scorers.model();
    let chosen = ChosenClips::new(arguments, model)?;
    let scored = score_clips(model, &chosen.clips(), &chosen.cleaning);
    let (named, left_out) = usable(scored, &chosen, arguments.selection.on_fault())?;
    let (names, scores): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let labels = &chosen.dataset.labels;
    let named: Vec<_> = names.into_iter().zip(&scores).collect();
    let report = EvaluationReport {
        model: model.manifest().name.clone(),
        dataset: chosen.dataset.name.clone(),
        measured_on: chosen.words.clone(),
        cleaning: chosen.cleaning.to_string(),
        trained_on: chosen.trained_on,
        leaky: chosen.leaky,
        left_out,
        classification: ClassificationFigures::new(labels, &scores),
        mistakes: mistakes(labels, &named),
        curves: CurveFigures::by_clip(labels, &scores),
        calibration: Calibration {
            every_label: CalibrationFigures::of_every_label(&scores),
            best_label: CalibrationFigures::of_best_label(&scores),
        },
        streaming: if arguments.background.is_empty() {
            None
        } else {
            Some(streaming::measure(arguments, model, &chosen)?)
        },
    };
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

/// The scores of the clips that could be scored, of the labels that count, each with its name; and how many could not.
fn usable(
    scored: Vec<Result<ClipScores, ClipFault>>,
    chosen: &ChosenClips,
    on_fault: OnFault,
) -> Result<(Vec<(String, ClipScores)>, usize), Failure> {
    let mut scores = Vec::with_capacity(scored.len());
    let mut faults = chosen.faults();
    let recordings = scored.len() + faults.len();
    for (clip, name) in scored.into_iter().zip(chosen.names()) {
        match clip {
            Ok(clip) => scores.push((name, chosen.narrowed(clip))),
            Err(fault) => faults.push(fault),
        }
    }
    check_faults(&faults, recordings, on_fault).map_err(|faulty| {
        Failure::device_or_model(anyhow!("{faulty}\n--skip-faulty goes on without them"))
    })?;
    for fault in &faults {
        log::warn!("left out: {fault}");
    }
    Ok((scores, faults.len()))
}
