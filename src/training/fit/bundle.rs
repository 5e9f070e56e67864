//! A trained network's bundle: the validation clips scored as the daemon would score them, thresholds chosen, card and
//! manifest written. Fed by the training of a split.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::FitError;
use super::prepared::{Prepared, SplitJob};
use super::recordings::Recordings;
use crate::domain::LabelSet;
use crate::evaluation::{
    ClassificationFigures, ClipScores, MeasureError, NegativeAudio, ThresholdRules,
    choose_thresholds, score_clips, score_scenes,
};
use crate::features::Normaliser;
use crate::files::{self, Durability};
use crate::model::{
    Activation, Bundle, Figures, Manifest, Model, Provenance, VERIFIER_FOLDER, VerifierSpec,
};
use crate::offline::{CleaningSpec, DatasetClip, Progress, SplitSpec};
use crate::recognition::Thresholds;
use crate::torch::check_engines;
use crate::training::KeptWeights;

/// Until the clips were scored, every label has these.
const UNCALIBRATED: Thresholds = Thresholds { on: 0.5, off: 0.3 };

/// Noise without events is alike everywhere: more of it shows nothing more.
const EMPTY_ROOM_MINUTES: u32 = 20;

/// The highest threshold that made-up noise asks for: what clips alone may ask for. A network that has not learned yet
/// would be silent for ever otherwise.
const MAX_BY_EMPTY_ROOM: f32 = 0.9;

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
    let mut bundle = Bundle::from_parts(job.folder, manifest.clone(), &weights)?;
    if let Some(verifier) = &prepared.plan.verifier {
        bundle = bundle.with_verifier(VerifierSpec::default(), verifier)?;
        manifest.verifier = bundle.manifest.verifier;
        copy_bundle(verifier, &job.folder.join(VERIFIER_FOLDER))?;
    }
    let model = Arc::new(Model::new(&bundle));
    check_engines(&bundle, &model)?;
    let usable = job.split.validation.iter().filter(|&&clip| recordings.has(clip));
    let clips: Vec<&DatasetClip> = usable.map(|&clip| &prepared.dataset.clips[clip]).collect();
    let scored = score_clips(&model, &clips, &prepared.plan.cleaning, progress);
    let scores: Vec<ClipScores> =
        scored.into_iter().collect::<Result<_, _>>().map_err(MeasureError::Clip)?;
    // as `eval` measures: which of the dataset's classes it is
    let mut of_classes = scores.clone();
    for window in of_classes.iter_mut().flat_map(|clip| &mut clip.windows) {
        window.scores.truncate(prepared.dataset.labels.len());
    }
    let figures = ClassificationFigures::new(&prepared.dataset.labels, &of_classes);
    let quiet = negative_scores(prepared, &model, progress)?;
    let mut thresholds = choose(&bundle.labels, &[&scores[..], &quiet].concat())?;
    if prepared.background.is_empty() {
        let by_clips = choose(&bundle.labels, &scores)?;
        warn_of_no_background(&bundle.labels, &thresholds, &by_clips);
        // no lower for the room's sake, which shows little of what will sound there, and not so high that nothing is detected
        for (chosen, by_clips) in thresholds.iter_mut().zip(by_clips) {
            let on = chosen.on.min(MAX_BY_EMPTY_ROOM);
            *chosen = if by_clips.on >= on {
                by_clips
            } else {
                Thresholds {
                    on,
                    off: (on * ThresholdRules::default().off_share * 100.0).round() / 100.0,
                }
            };
        }
    }
    manifest.thresholds = bundle.labels.iter().map(ToString::to_string).zip(thresholds).collect();
    for label in &manifest.non_events {
        manifest.thresholds.insert(label.clone(), UNCALIBRATED);
    }
    manifest.figures = Figures {
        clips: figures.clips,
        clip_accuracy: round(figures.clip_accuracy),
        window_accuracy: round(figures.window_accuracy),
    };
    let card = model_card(&manifest);
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

/// Copies a bundle, its manifest last.
fn copy_bundle(from: &Path, to: &Path) -> Result<(), FitError> {
    std::fs::create_dir_all(to)?;
    for file in Bundle::FILES {
        let bytes = files::read_regular(&from.join(file), u64::MAX)?;
        files::replace(&to.join(file), &bytes, Durability::Synced)?;
    }
    Ok(())
}

/// Scores of hours of sound that hold none of the labels; of an empty room where no background was given.
fn negative_scores(
    prepared: &Prepared<'_>,
    model: &Arc<Model>,
    progress: &dyn Progress,
) -> Result<Vec<ClipScores>, FitError> {
    let plan = prepared.plan;
    let seed = plan.training.seed;
    let quiet = if prepared.background.is_empty() {
        NegativeAudio::empty_room(EMPTY_ROOM_MINUTES, seed)
    } else {
        NegativeAudio::load(&prepared.background, &plan.negatives, plan.quiet_minutes, seed)?
    };
    let rate = plan.front_end.sample_rate_hz;
    let build = |index: usize| quiet.build(index, rate);
    let scenes = score_scenes(model, quiet.scenes(), &build, progress)?;
    Ok(scenes.into_iter().map(|scene| scene.scores).collect())
}

/// The scores at which each label's events begin and end.
fn choose(labels: &LabelSet, scores: &[ClipScores]) -> Result<Vec<Thresholds>, FitError> {
    choose_thresholds(labels, scores, &ThresholdRules::default()).map_err(FitError::Thresholds)
}

/// Says what nobody measured, and which labels sound like an empty room.
fn warn_of_no_background(labels: &LabelSet, with_room: &[Thresholds], by_clips: &[Thresholds]) {
    let raised: Vec<String> = labels
        .iter()
        .zip(with_room.iter().zip(by_clips))
        .filter(|(_, (with_room, by_clips))| with_room.on > by_clips.on)
        .map(|(label, (with_room, by_clips))| {
            let raised = with_room.on.min(MAX_BY_EMPTY_ROOM).max(by_clips.on);
            let still =
                if with_room.on > raised { ", where noise causes events still" } else { "" };
            format!("{label} {} to {raised}{still}", by_clips.on)
        })
        .collect();
    let raised = match &raised[..] {
        [] => String::new(),
        some => format!(" It raised thresholds: {}.", some.join("; ")),
    };
    log::warn!(
        "no --background was given: false alarms were measured in {EMPTY_ROOM_MINUTES} minutes of made-up room noise \
         alone, and live there may be many.{raised} Record some minutes of your room without these sounds (arecord -d 300 \
         -f S16_LE -r 48000 noise/room.wav), and train with --background noise"
    );
}

fn manifest(
    prepared: &Prepared<'_>,
    job: &SplitJob<'_>,
    trained: TrainedNetwork,
) -> Result<Manifest, FitError> {
    let name = job.folder.file_name();
    let (plan, labels) = (prepared.plan, &prepared.labels);
    Ok(Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: name.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        tympan_version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: plan.licence.clone(),
        activation: plan.training.loss.activation(),
        labels: labels.clone().into(),
        verifier: None,
        non_events: prepared.non_event_labels().map(str::to_owned).collect(),
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

/// The card's text.
fn model_card(manifest: &Manifest) -> String {
    let provenance = &manifest.provenance;
    let leaky = if provenance.leaky {
        "**LEAKY**: parts of one recording were both trained on and measured on. The figures say how well recordings are \
         remembered, not how well others are classified.\n\n"
    } else {
        ""
    };
    let kept = match provenance.chosen_epoch {
        Some(epoch) => format!(
            "The weights of epoch {epoch} are kept, which has the lowest loss on the measured clips: the figures on them \
             are a little too good. The same clips chose"
        ),
        None => "The last epoch's weights are the ones kept: the measured clips chose no weights. They did choose".into(),
    };
    // a plan that was made in code has no command
    let made_by = match provenance.command.as_str() {
        "" => String::new(),
        command => format!(
            "\nMade by\n\n```\n{command}\n```\n\n\
             where DATA is the dataset's folder, BACKGROUND a folder of recordings that hold none of the labels, and \
             NEGATIVES (where it stands there) more such sound that nothing was fitted to.\n"
        ),
    };
    format!(
        "# {name}\n\n{leaky}\
         {labels} labels; one score each between 0 and 1, {activation}.{non_events}\n\n\
         {names}.\n\n\
         {table}\n\
         {kept} the thresholds in `model.toml` at which events begin and end, so event figures on them are \
         optimistic.\n{made_by}",
        name = manifest.name,
        labels = manifest.labels.len(),
        activation = match manifest.activation {
            Activation::Sigmoid => "independent of the others: several may sound at once, or none",
            Activation::Softmax => "together 1: the share of each in what is heard",
        },
        non_events = match manifest.non_events.as_slice() {
            [] => String::new(),
            labels => format!(
                " No events unless `detector.allow` names them: {}. They hold the others back.",
                labels.join(", ")
            ),
        },
        names = manifest.labels.join(", "),
        table = model_table(manifest),
    )
}

/// What the model is, a line each.
fn model_table(manifest: &Manifest) -> String {
    let provenance = &manifest.provenance;
    let front_end = &manifest.front_end;
    let window_samples = front_end.samples_of(manifest.window.frames);
    let window = front_end.sample_rate_hz.duration_of(window_samples).as_secs_f64();
    let hop_samples = (manifest.window.hop_frames * front_end.frame_hop_samples) as u64;
    let hop = front_end.sample_rate_hz.duration_of(hop_samples).as_millis();
    let measured = match provenance.chosen_epoch {
        Some(_) => "clips that no weight was fitted to, but that chose the epoch",
        None => "clips that no weight was fitted to",
    };
    format!(
        "| | |\n|---|---|\n\
         | Licence of the weights | {licence} |\n\
         | Trained on | {dataset}, {clips} clips ({terms}) |\n\
         | Split | {split} |\n\
         | Background | {background} |\n\
         | Cleaning | {cleaning} |\n\
         | Measured on | {measured_clips} {measured} |\n\
         | Clip accuracy | {clip_accuracy:.1} % (best label of the mean over the windows that carry the sound: within 10 dB of the clip's loudest) |\n\
         | Window accuracy | {window_accuracy:.1} % (the same windows) |\n\
         | Input | {rate}, {bands} mel bands from {low} to {high} Hz, windows of {window:.2} s every {hop} ms |\n\
         | Network | {network} |\n\
         | Training | {epochs} epochs, seed {seed}, tympan {version} |\n",
        licence = manifest.licence,
        dataset = provenance.dataset,
        clips = provenance.train_clips,
        background = match provenance.background_clips {
            0 =>
                "none; thresholds were raised against made-up room noise, to 0.9 at most".to_owned(),
            some => format!("{some} recordings that carry none of the labels"),
        },
        terms = provenance.dataset_terms,
        split = split(provenance),
        cleaning = cleaning(provenance),
        measured_clips = manifest.figures.clips,
        clip_accuracy = manifest.figures.clip_accuracy * 100.0,
        window_accuracy = manifest.figures.window_accuracy * 100.0,
        rate = front_end.sample_rate_hz,
        bands = front_end.mel_bands,
        low = front_end.mel_low_hz,
        high = front_end.mel_high_hz,
        network = manifest.network,
        epochs = provenance.epochs,
        seed = provenance.seed,
        version = manifest.tympan_version,
    )
}

/// How the measured clips were chosen; older bundles have folds alone.
fn split(provenance: &Provenance) -> String {
    if !provenance.split_words.is_empty() {
        return provenance.split_words.clone();
    }
    let folds = |folds: &[u32]| folds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let (train, validation) = (&provenance.train_folds, &provenance.validation_folds);
    format!("folds: training on {}, validation on {}", folds(train), folds(validation))
}

/// What was done to recordings, in words.
fn cleaning(provenance: &Provenance) -> String {
    match CleaningSpec::deserialize(provenance.cleaning.clone()) {
        Ok(cleaning) if cleaning == CleaningSpec::default() => "none".into(),
        Ok(cleaning) => format!("each recording was {cleaning}"),
        Err(_) => "unknown".into(),
    }
}
