//! The measurement: clips chosen, scored, counted, printed and reported. Called by `cli`.

use std::process::ExitCode;

use anyhow::anyhow;

use super::arguments::EvalArguments;
use super::chosen_clips::ChosenClips;
use super::{streaming, table};
use crate::cli::scoring::score_clips;
use crate::cli::setup::shipped_bundle;
use crate::cli::{Failure, logging, output};
use crate::evaluation::{
    CalibrationFigures, ClassificationFigures, ClipScores, CurveFigures, mistakes,
};
use crate::model::{Bundle, configure_runtime};
use crate::offline::{ClipFault, OnFault, check_faults};
use crate::plots::TrainingLog;
use crate::report::{Calibration, EvaluationReport, write_report};

/// Measures, prints, and writes the report.
///
/// # Errors
/// [`Failure`] when model or dataset cannot be used, or the report not be written.
pub fn eval(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    configure_runtime(1);
    let folder = arguments.model.clone().unwrap_or_else(shipped_bundle);
    let bundle = Bundle::load(&folder).map_err(Failure::device_or_model)?;
    let chosen = ChosenClips::new(arguments, &bundle)?;
    let scored = score_clips(&bundle, &chosen.clips(), &chosen.cleaning)?;
    let (named, left_out) = usable(scored, &chosen, arguments.selection.on_fault())?;
    let (names, scores): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let labels = &chosen.dataset.labels;
    let named: Vec<_> = names.into_iter().zip(&scores).collect();
    let report = EvaluationReport {
        model: bundle.manifest.name.clone(),
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
            Some(streaming::measure(arguments, &bundle, &chosen)?)
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
