//! A trained network's bundle: the validation clips scored as the daemon would score them, thresholds chosen, card and
//! manifest written. Fed by the training of a split.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::one_split::Turn;
use super::plan::Plan;
use super::recordings::Recordings;
use crate::cli::eval::progress_bar;
use crate::cli::{Failure, model_card};
use crate::domain::LabelSet;
use crate::evaluation::{
    ClassificationFigures, ClipScores, ThresholdRules, choose_thresholds, score_clip,
};
use crate::features::Normaliser;
use crate::model::{Activation, Bundle, Figures, Manifest, Provenance, Schedule};
use crate::offline::{DatasetClip, SplitSpec, load_clean_clip, map_clips, worker_count};
use crate::recognition::Thresholds;
use crate::training::KeptWeights;

/// Until the clips were scored, every label has these.
const UNCALIBRATED: Thresholds = Thresholds { on: 0.5, off: 0.3 };

/// What training made.
pub struct Made {
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
/// [`Failure`] when a clip cannot be scored or the bundle cannot be written.
pub fn finish(
    plan: &Plan,
    recordings: &Recordings,
    turn: &Turn<'_>,
    made: Made,
) -> Result<Figures, Failure> {
    let weights = made.weights.clone();
    let mut manifest = manifest(plan, turn, made)?;
    let bundle =
        Bundle::from_parts(turn.folder, manifest.clone(), &weights).map_err(Failure::failed)?;
    let usable = turn.split.validation.iter().filter(|&&clip| recordings.has(clip));
    let clips: Vec<&DatasetClip> = usable.map(|&clip| &plan.dataset.clips[clip]).collect();
    let scores = score(plan, &bundle, &clips)?;
    manifest.thresholds = thresholds(&bundle.labels, &scores)?;
    let figures = ClassificationFigures::new(&bundle.labels, &scores);
    manifest.figures = Figures {
        clips: figures.clips,
        clip_accuracy: round(figures.clip_accuracy),
        window_accuracy: round(figures.window_accuracy),
    };
    let card = model_card::text(&manifest);
    Bundle::write(turn.folder, &mut manifest, &weights, &card).map_err(Failure::failed)?;
    log::info!(
        "{}{}: clip accuracy {:.1} %, window accuracy {:.1} % on {} clips ({})",
        if turn.split.leaky { "LEAKY: " } else { "" },
        turn.folder.display(),
        figures.clip_accuracy * 100.0,
        figures.window_accuracy * 100.0,
        figures.clips,
        turn.split.description
    );
    Ok(manifest.figures)
}

/// Scores clips on all cores, each thread with a scorer of its own.
fn score(plan: &Plan, bundle: &Bundle, clips: &[&DatasetClip]) -> Result<Vec<ClipScores>, Failure> {
    let featuriser = bundle.featuriser_spec();
    let mut scorers = Vec::new();
    for _ in 0..worker_count() {
        scorers.push(bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?);
    }
    let bar = progress_bar(clips.len() as u64, "clips");
    let work = |scorer: &mut crate::model::NetworkScorer, index: usize, clip: &&DatasetClip| {
        let audio = load_clean_clip(clip, &plan.cleaning).map_err(|fault| anyhow!("{fault}"))?;
        let scored = score_clip(&audio, Some(clip.label), index as u64, &featuriser, scorer);
        scored.map_err(|error| anyhow!("{}: {error}", clip.path.display()))
    };
    let scores = map_clips(clips, scorers, work, &|| bar.inc(1));
    bar.finish_and_clear();
    scores.into_iter().collect::<Result<_, anyhow::Error>>().map_err(Failure::device_or_model)
}

/// The scores at which each label's events begin and end.
fn thresholds(
    labels: &LabelSet,
    scores: &[ClipScores],
) -> Result<BTreeMap<String, Thresholds>, Failure> {
    let chosen = choose_thresholds(labels, scores, &ThresholdRules::default());
    let chosen = chosen.map_err(Failure::failed)?;
    Ok(labels.iter().map(ToString::to_string).zip(chosen).collect())
}

fn manifest(plan: &Plan, turn: &Turn<'_>, made: Made) -> Result<Manifest, Failure> {
    let name = turn.folder.file_name();
    let labels = &plan.dataset.labels;
    Ok(Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: name.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        tympan_version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: plan.arguments.licence.clone().unwrap_or_else(|| "unspecified".into()),
        activation: Activation::Sigmoid,
        labels: labels.clone().into(),
        weights_sha256: String::new(),
        front_end: plan.front_end.clone(),
        window: plan.window,
        network: plan.network.clone(),
        provenance: provenance(plan, turn, &made)?,
        figures: Figures::default(),
        thresholds: labels.iter().map(|label| (label.to_string(), UNCALIBRATED)).collect(),
        normaliser: made.normaliser,
    })
}

fn provenance(plan: &Plan, turn: &Turn<'_>, made: &Made) -> Result<Provenance, Failure> {
    let folds = |clips: &[usize]| -> Vec<u32> {
        let folds = clips.iter().filter_map(|&clip| plan.dataset.clips[clip].fold);
        folds.collect::<std::collections::BTreeSet<u32>>().into_iter().collect()
    };
    // of a random split of a set with folds, no fold is on one side
    let by_folds = matches!(turn.spec, Some(SplitSpec::Folds { .. }) | None);
    let folds_of = |clips| if by_folds { folds(clips) } else { Vec::new() };
    let here = std::env::current_dir()?;
    let out = plan.out.strip_prefix(here).unwrap_or(&plan.out).display().to_string();
    let cleaning = toml::Table::try_from(plan.cleaning).map_err(Failure::failed)?;
    let split = turn.spec.map(toml::Table::try_from).transpose().map_err(Failure::failed)?;
    Ok(Provenance {
        dataset: plan.dataset.name.clone(),
        dataset_terms: plan.dataset.terms.clone(),
        train_folds: folds_of(&turn.split.train),
        validation_folds: folds_of(&turn.split.validation),
        train_clips: made.train_clips,
        background_clips: made.background_clips,
        command: plan.arguments.command(&out),
        seed: plan.spec.seed,
        epochs: made.epochs,
        leaky: turn.split.leaky,
        split_words: turn.split.description.clone(),
        chosen_epoch: (plan.spec.keep == KeptWeights::Best).then_some(made.kept_epoch),
        cleaning,
        split: split.unwrap_or_default(),
    })
}

fn round(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
