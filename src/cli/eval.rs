//! `tympan eval`: how well a model tells the clips of a dataset apart.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::setup::shipped_bundle;
use super::{Failure, logging, output};
use crate::evaluation::{ClassificationFigures, ClipScores, score_clip};
use crate::model::{Bundle, Schedule, configure_runtime};
use crate::offline::{Dataset, DatasetClip, DatasetOptions, OnFault, check_faults};
use crate::recognition::Scorer;
use crate::sources::load_clip;

/// Arguments of `tympan eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Folder of a dataset laid out as ESC-50 is
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Folds to measure on; by default those the model was validated on
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    folds: Vec<u32>,
    /// Only clips under these licences (the table's column `license`); by default all
    #[arg(long, value_delimiter = ',', value_name = "LICENCES")]
    licences: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    model: &'a str,
    dataset: &'a str,
    folds: &'a [u32],
    /// Whether a fold was trained on: then the figures say how well it is remembered, not how well it is told apart.
    trained_on: bool,
    #[serde(flatten)]
    figures: &'a ClassificationFigures,
}

/// Measures and prints.
///
/// # Errors
/// [`Failure`] when model or dataset cannot be used.
pub fn eval(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    logging::start(log::LevelFilter::Info);
    configure_runtime(1);
    let folder = arguments.model.clone().unwrap_or_else(shipped_bundle);
    let bundle = Bundle::load(&folder).map_err(Failure::device_or_model)?;
    let options =
        DatasetOptions { licences: arguments.licences.clone(), ..DatasetOptions::default() };
    let dataset = Dataset::open(&arguments.data, &options).map_err(Failure::usage)?;
    let recordings = dataset.clips.len() + dataset.faults.len();
    check_faults(&dataset.faults, recordings, OnFault::Refuse).map_err(Failure::device_or_model)?;
    if dataset.labels != bundle.labels {
        return Err(Failure::usage(anyhow::anyhow!(
            "the labels of {} are not those of {}; a model can be measured only on the classes it knows",
            arguments.data.display(),
            folder.display()
        )));
    }
    let provenance = &bundle.manifest.provenance;
    let folds = if arguments.folds.is_empty() {
        provenance.validation_folds.clone()
    } else {
        arguments.folds.clone()
    };
    let clips = dataset.clips_in(&folds);
    if clips.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!(
            "{} has no clip in the folds {folds:?}",
            arguments.data.display()
        )));
    }
    let trained_on = provenance.dataset == dataset.name
        && folds.iter().any(|fold| provenance.train_folds.contains(fold));
    let scores = score_clips(&bundle, &clips)?;
    let figures = ClassificationFigures::new(&bundle.labels, &scores);
    let report = Report {
        model: &bundle.manifest.name,
        dataset: &dataset.name,
        folds: &folds,
        trained_on,
        figures: &figures,
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&table(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Scores clips on all cores, each thread with a scorer of its own, in the order given.
///
/// # Errors
/// [`Failure`] naming every clip that cannot be read or scored.
pub fn score_clips(bundle: &Bundle, clips: &[&DatasetClip]) -> Result<Vec<ClipScores>, Failure> {
    let bar = progress_bar(clips.len() as u64, "clips");
    let featuriser = bundle.featuriser_spec();
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<anyhow::Result<ClipScores>>>> =
        clips.iter().map(|_| Mutex::new(None)).collect();
    let work = |scorer: &mut dyn Scorer| {
        loop {
            // Relaxed: the index alone is shared; each result has its own lock.
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(clip) = clips.get(index) else { break };
            let result = load_clip(&clip.path).map_err(anyhow::Error::from).and_then(|audio| {
                score_clip(&audio, Some(clip.label), index as u64, &featuriser, scorer)
                    .with_context(|| clip.path.display().to_string())
            });
            *results[index].lock().expect("invariant: no worker panics with the lock") =
                Some(result);
            bar.inc(1);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut scorers = Vec::with_capacity(threads);
    for _ in 0..threads {
        scorers.push(bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?);
    }
    std::thread::scope(|scope| {
        for mut scorer in scorers {
            scope.spawn(move || work(&mut scorer));
        }
    });
    bar.finish_and_clear();
    let mut scores = Vec::with_capacity(clips.len());
    let mut faults = Vec::new();
    for result in results {
        let result = result.into_inner().expect("invariant: no worker panics with the lock");
        match result.expect("invariant: the workers took every index") {
            Ok(clip) => scores.push(clip),
            Err(fault) => faults.push(format!("  {fault:#}")),
        }
    }
    if faults.is_empty() {
        return Ok(scores);
    }
    Err(Failure::device_or_model(anyhow::anyhow!(
        "{} of {} recordings cannot be measured:\n{}",
        faults.len(),
        clips.len(),
        faults.join("\n")
    )))
}

/// A bar on standard error; hidden where that is no terminal.
pub fn progress_bar(length: u64, unit: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}}/{{len}} {unit}, {{eta}} left {{msg}}"
    ));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn table(report: &Report<'_>) -> String {
    let figures = report.figures;
    let mut text = String::new();
    if report.trained_on {
        text.push_str(
            "TRAINED ON: the model has seen these clips; the figures say nothing of others\n",
        );
    }
    let percent = |share: f64| share * 100.0;
    let _ = writeln!(
        text,
        "{} on {}, folds {:?}: {} clips, {} windows\n\
         clip accuracy {:.1} %, among the best three {:.1} %, window accuracy {:.1} %, macro F1 {:.1} %\n\n\
         {:<20} {:>9} {:>7} {:>6} {:>8}",
        report.model,
        report.dataset,
        report.folds,
        figures.clips,
        figures.windows,
        percent(figures.clip_accuracy),
        percent(figures.clip_top3_accuracy),
        percent(figures.window_accuracy),
        percent(figures.macro_f1),
        "label",
        "precision",
        "recall",
        "F1",
        "support",
    );
    for class in &figures.classes {
        let cell = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}", percent(share)))
        };
        let _ = writeln!(
            text,
            "{:<20} {:>9} {:>7} {:>6} {:>8}",
            class.label,
            cell(class.precision),
            cell(class.recall),
            cell(class.f1),
            class.support
        );
    }
    text
}
