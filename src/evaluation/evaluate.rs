//! The whole measurement of a model on a dataset: clips chosen, scored and counted, and scenes of them if background is given.
//! Called by `eval`; runs on the calling thread and on threads of its own, which have ended when it returns.

use std::sync::Arc;

use super::chosen_clips::ChosenClips;
use super::negative_audio::score_clips;
use super::recordings_run::{ScoredRecordings, open_set};
use super::{
    Calibration, CalibrationFigures, ClassificationFigures, ClipScores, CurveFigures,
    EvaluationOptions, EvaluationReport, MeasureError, mistakes, streaming_run,
};
use crate::model::Model;
use crate::offline::{ClipFault, OnFault, Progress, check_faults};

/// Measures a model.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use tympan::evaluation::{EvaluationOptions, evaluate};
/// use tympan::model::Model;
///
/// let model = Arc::new(Model::open(Path::new("models/esc50"))?);
/// let report = evaluate(&model, &EvaluationOptions::new("datasets/esc50"), &())?;
/// println!("{:.1} % of clips", report.classification.clip_accuracy * 100.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`MeasureError`] when dataset or background cannot be used, or the network fails.
pub fn evaluate(
    model: &Arc<Model>,
    options: &EvaluationOptions,
    progress: &dyn Progress,
) -> Result<EvaluationReport, MeasureError> {
    let chosen = ChosenClips::new(options, model)?;
    let scored = score_clips(model, &chosen.clips(), &chosen.cleaning, progress);
    let (named, left_out) = usable(scored, &chosen, options.on_fault)?;
    let (names, scores): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let labels = &chosen.dataset.labels;
    let named: Vec<_> = names.into_iter().zip(&scores).collect();
    let unlabelled = ScoredRecordings::score(options, &options.unlabelled, model, progress)?;
    let streaming = if options.background.is_empty() {
        None
    } else {
        Some(streaming_run::measure(options, model, &chosen, &unlabelled.scenes, progress)?)
    };
    let open_set = open_set(options, model, &chosen, &scores, progress)?;
    Ok(EvaluationReport {
        model: model.name().to_owned(),
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
        streaming,
        unlabelled: unlabelled.report(&model.traits())?,
        open_set,
    })
}

/// The scores of the clips that could be scored, of the labels that count, each with its name; and how many could not.
fn usable(
    scored: Vec<Result<ClipScores, ClipFault>>,
    chosen: &ChosenClips,
    on_fault: OnFault,
) -> Result<(Vec<(String, ClipScores)>, usize), MeasureError> {
    let mut scores = Vec::with_capacity(scored.len());
    let mut faults = chosen.faults();
    let recordings = scored.len() + faults.len();
    for (clip, name) in scored.into_iter().zip(chosen.names()) {
        match clip {
            Ok(clip) => scores.push((name, chosen.narrowed(clip))),
            Err(fault) => faults.push(fault),
        }
    }
    check_faults(&faults, recordings, on_fault).map_err(MeasureError::Faulty)?;
    for fault in &faults {
        log::warn!("left out: {fault}");
    }
    Ok((scores, faults.len()))
}
