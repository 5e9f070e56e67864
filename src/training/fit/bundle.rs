//! A trained network's bundle: the validation clips scored as the daemon would score them, thresholds chosen, card and
//! manifest written. Fed by the training of a split.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::prepared::{Prepared, SplitJob};
use super::recordings::Recordings;
use super::{FitError, model_card};
use crate::domain::LabelSet;
use crate::evaluation::{
    ClassificationFigures, ClipScores, MeasureError, NegativeAudio, ThresholdRules,
    choose_thresholds, score_clips, score_scenes,
};
use crate::features::Normaliser;
use crate::model::{Activation, Bundle, Figures, Manifest, Model, Provenance};
use crate::offline::{DatasetClip, Progress, SplitSpec};
use crate::recognition::Thresholds;
use crate::torch::check_engines;
use crate::training::KeptWeights;

/// Until the clips were scored, every label has these.
const UNCALIBRATED: Thresholds = Thresholds { on: 0.5, off: 0.3 };

/// Sound without a class that thresholds are chosen by, in minutes. Of four hours, other hours still let two or three alarms
/// through each, with another speaker; of twelve, none or one: the highest of fifty scores in an hour is not the highest
/// there will be.
const QUIET_MINUTES: u32 = 720;

/// A network after its training, with what its manifest records of it.
pub struct TrainedNetwork {
    /// Frames → what the network sees.
    pub normaliser: Normaliser,
    /// The bytes of the weights file.
    pub weights: Vec<u8>,
    /// Epochs trained.
    pub epochs: usize,
    /// The epoch whose weights these are.
    pub kept_epoch: usize,
    /// Clips fitted to.
    pub train_clips: usize,
    /// Background recordings.
    pub background_clips: usize,
}

/// Scores the validation clips, chooses thresholds, and writes the bundle; gives its figures.
///
/// # Errors
/// [`FitError`] when a clip cannot be scored or the bundle cannot be written.
pub fn finish(
    prepared: &Prepared<'_>,
    recordings: &Recordings,
    job: &SplitJob<'_>,
    trained: TrainedNetwork,
    progress: &dyn Progress,
) -> Result<Figures, FitError> {
    let weights = trained.weights.clone();
    let mut manifest = manifest(prepared, job, trained)?;
    let bundle = Bundle::from_parts(job.folder, manifest.clone(), &weights)?;
    let model = Arc::new(Model::new(&bundle));
    check_engines(&bundle, &model)?;
    let usable = job.split.validation.iter().filter(|&&clip| recordings.has(clip));
    let clips: Vec<&DatasetClip> = usable.map(|&clip| &prepared.dataset.clips[clip]).collect();
    let scored = score_clips(&model, &clips, &prepared.plan.cleaning, progress);
    let scores: Vec<ClipScores> =
        scored.into_iter().collect::<Result<_, _>>().map_err(MeasureError::Clip)?;
    let figures = ClassificationFigures::new(&bundle.labels, &scores);
    let quiet = negative_scores(prepared, &model, progress)?;
    manifest.thresholds = thresholds(&bundle.labels, [scores, quiet].concat())?;
    manifest.figures = Figures {
        clips: figures.clips,
        clip_accuracy: round(figures.clip_accuracy),
        window_accuracy: round(figures.window_accuracy),
    };
    let card = model_card::text(&manifest);
    Bundle::write(job.folder, &mut manifest, &weights, &card)?;
    log::info!(
        "{}{}: clip accuracy {:.1} %, window accuracy {:.1} % on {} clips ({})",
        if job.split.leaky { "LEAKY: " } else { "" },
        job.folder.display(),
        figures.clip_accuracy * 100.0,
        figures.window_accuracy * 100.0,
        figures.clips,
        job.split.description
    );
    Ok(manifest.figures)
}

/// Scores of hours of sound that hold none of the labels; nothing where no background was given.
fn negative_scores(
    prepared: &Prepared<'_>,
    model: &Arc<Model>,
    progress: &dyn Progress,
) -> Result<Vec<ClipScores>, FitError> {
    if prepared.background.is_empty() {
        return Ok(Vec::new());
    }
    let plan = prepared.plan;
    let seed = plan.training.seed;
    let quiet = NegativeAudio::load(&prepared.background, &plan.negatives, QUIET_MINUTES, seed)?;
    let rate = plan.front_end.sample_rate_hz;
    let build = |index: usize| quiet.build(index, rate);
    let scenes = score_scenes(model, quiet.scenes(), &build, progress)?;
    Ok(scenes.into_iter().map(|scene| scene.scores).collect())
}

/// The scores at which each label's events begin and end.
fn thresholds(
    labels: &LabelSet,
    scores: Vec<ClipScores>,
) -> Result<BTreeMap<String, Thresholds>, FitError> {
    let chosen = choose_thresholds(labels, &scores, &ThresholdRules::default());
    let chosen = chosen.map_err(FitError::Thresholds)?;
    Ok(labels.iter().map(ToString::to_string).zip(chosen).collect())
}

fn manifest(
    prepared: &Prepared<'_>,
    job: &SplitJob<'_>,
    trained: TrainedNetwork,
) -> Result<Manifest, FitError> {
    let name = job.folder.file_name();
    let (plan, labels) = (prepared.plan, &prepared.dataset.labels);
    Ok(Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: name.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        tympan_version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: plan.licence.clone(),
        activation: Activation::Sigmoid,
        labels: labels.clone().into(),
        weights_sha256: String::new(),
        front_end: plan.front_end.clone(),
        window: plan.window,
        network: plan.network.clone(),
        provenance: provenance(prepared, job, &trained)?,
        figures: Figures::default(),
        thresholds: labels.iter().map(|label| (label.to_string(), UNCALIBRATED)).collect(),
        normaliser: trained.normaliser,
    })
}

fn provenance(
    prepared: &Prepared<'_>,
    job: &SplitJob<'_>,
    trained: &TrainedNetwork,
) -> Result<Provenance, FitError> {
    let (plan, dataset) = (prepared.plan, &prepared.dataset);
    let folds = |clips: &[usize]| -> Vec<u32> {
        let folds = clips.iter().filter_map(|&clip| dataset.clips[clip].fold);
        folds.collect::<std::collections::BTreeSet<u32>>().into_iter().collect()
    };
    // of a random split of a set with folds, no fold is on one side
    let by_folds = matches!(job.spec, Some(SplitSpec::Folds { .. }) | None);
    let folds_of = |clips| if by_folds { folds(clips) } else { Vec::new() };
    let cleaning = toml::Table::try_from(plan.cleaning)?;
    let split = job.spec.map(toml::Table::try_from).transpose()?;
    Ok(Provenance {
        dataset: dataset.name.clone(),
        dataset_terms: dataset.terms.clone(),
        train_folds: folds_of(&job.split.train),
        validation_folds: folds_of(&job.split.validation),
        train_clips: trained.train_clips,
        split_clips: dataset.clips.len(),
        background_clips: trained.background_clips,
        command: plan.command.clone(),
        seed: plan.training.seed,
        epochs: trained.epochs,
        leaky: job.split.leaky,
        split_words: job.split.description.clone(),
        chosen_epoch: (plan.training.keep == KeptWeights::Best).then_some(trained.kept_epoch),
        cleaning,
        split: split.unwrap_or_default(),
    })
}

fn round(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
