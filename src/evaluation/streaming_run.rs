//! Streaming figures: clips placed in background noise at known times, and sound that holds no class, through the
//! daemon's path.

use std::sync::Arc;
use std::time::Duration;

use super::chosen_clips::ChosenClips;
use super::negative_audio::{NegativeAudio, score_scenes};
use super::streaming::{
    EventCollar, EventScores, FalseAlarmFigures, MatchRule, PsdsSpec, Scene, SceneDetections,
    ScenePiece, SceneSpec, ScoreTable, ScoredScene, StreamingFigures, SweepChoice,
    operating_points, psds, scene_groups, sweep,
};
use super::{DetectionRules, EvaluationOptions, MeasureError, StreamingReport, Sweep, tsv};
use crate::domain::{Clip, LabelSet};
use crate::model::Model;
use crate::offline::{DatasetClip, Progress, load_clean_clip};

/// Clips of a scene: with clips of five seconds, about ten minutes.
const CLIPS_A_SCENE: usize = 65;
/// False alarms an hour at which recall is given: what wake words are held to, twice that, and a fifth of it.
const RATES_PER_HOUR: [f64; 3] = [1.0, 0.5, 0.1];
/// Far from the seeds of scenes with clips.
const QUIET_SEEDS: u64 = 1_000;

/// Builds the scenes, has the network score them, and counts.
///
/// # Errors
/// [`MeasureError`] when a recording cannot be read or scored.
pub(super) fn measure(
    options: &EvaluationOptions,
    model: &Arc<Model>,
    chosen: &ChosenClips,
    unlabelled: &[ScoredScene],
    progress: &dyn Progress,
) -> Result<StreamingReport, MeasureError> {
    let seed = options.seed.wrapping_add(QUIET_SEEDS);
    let quiet =
        NegativeAudio::load(&options.background, &options.negatives, options.minutes, seed)?;
    let clips = chosen.clips();
    let rate = model.sample_rate();
    let groups = scene_groups(clips.len(), CLIPS_A_SCENE, options.seed);
    let with_clips = |index: usize| {
        let seed = options.seed.wrapping_add(index as u64);
        let members: Vec<&DatasetClip> = groups[index].iter().map(|&clip| clips[clip]).collect();
        place(&SceneSpec::new(rate, seed), &members, chosen, &quiet.background)
    };
    let build = |index: usize| match index.checked_sub(groups.len()) {
        None => with_clips(index),
        Some(index) => quiet.build(index, rate),
    };
    let scenes = score_scenes(model, groups.len() + quiet.scenes(), &build, progress)?;
    figures(options, model, &scenes, unlabelled)
}

/// A scene of clips in background.
fn place(
    spec: &SceneSpec,
    members: &[&DatasetClip],
    chosen: &ChosenClips,
    background: &[Clip],
) -> Result<Scene, MeasureError> {
    let mut loaded = Vec::with_capacity(members.len());
    for clip in members {
        match load_clean_clip(clip, &chosen.cleaning) {
            Ok(audio) => loaded.push((audio, chosen.model_label(clip))),
            // reported when the clips were scored
            Err(fault) => log::debug!("{fault}"),
        }
    }
    let pieces: Vec<ScenePiece<'_>> =
        loaded.iter().map(|(clip, label)| ScenePiece { clip, label: Some(*label) }).collect();
    Ok(Scene::build(spec, &pieces, background)?)
}

fn figures(
    options: &EvaluationOptions,
    model: &Arc<Model>,
    scenes: &[ScoredScene],
    unlabelled: &[ScoredScene],
) -> Result<StreamingReport, MeasureError> {
    let model = model.traits();
    let rules = DetectionRules::default();
    let mut detections = Vec::with_capacity(scenes.len());
    for scene in scenes {
        detections.push(scene.replay(&model, &rules).map_err(MeasureError::Replay)?);
    }
    let (quiet, eventful): (Vec<SceneDetections>, Vec<SceneDetections>) =
        detections.into_iter().partition(|scene| scene.truth.is_empty());
    let points = if options.sweep == Sweep::Settings {
        let choices = choices(&rules);
        sweep(scenes, &model, &choices, MatchRule::within()).map_err(MeasureError::Replay)?
    } else {
        Vec::new()
    };
    let labels: &LabelSet = &model.labels;
    let all: Vec<&ScoredScene> = scenes.iter().chain(unlabelled).collect();
    let operating_points =
        operating_points(&all, &model, &rules, &RATES_PER_HOUR).map_err(MeasureError::Replay)?;
    let with_events = scenes.iter().filter(|scene| !scene.truth.is_empty());
    let tables: Vec<ScoreTable> = with_events.map(|scene| scene.table(&rules)).collect();
    if let Some(folder) = &options.scores_tsv {
        tsv::write_scores(folder, labels, &tables)?;
    }
    if let Some(file) = &options.events_tsv {
        tsv::write_events(file, labels, &eventful)?;
    }
    Ok(StreamingReport {
        conditions: conditions(options, &rules),
        events: StreamingFigures::new(labels, &eventful, MatchRule::default()),
        events_within: StreamingFigures::new(labels, &eventful, MatchRule::within()),
        event_scores: [EventCollar::HEADLINE, EventCollar::WIDE, EventCollar::STRICT]
            .map(|collar| EventScores::new(labels, &eventful, collar))
            .to_vec(),
        psds_1: psds(PsdsSpec::SCENARIO_1, &tables),
        psds_2: psds(PsdsSpec::SCENARIO_2, &tables),
        operating_points,
        false_alarms: FalseAlarmFigures::new(labels, &quiet),
        sweep: points,
    })
}

fn choices(rules: &DetectionRules) -> Vec<SweepChoice> {
    let smoothings = [0, 150, 300, 600].map(Duration::from_millis);
    let confirmations = [(1, 1), (2, 3), (3, 4), (4, 5), (6, 8)];
    SweepChoice::grid(rules, &[0.7, 0.85, 1.0, 1.15, 1.3, 1.5], &smoothings, &confirmations)
}

fn conditions(options: &EvaluationOptions, rules: &DetectionRules) -> String {
    format!(
        "Each clip once, 6 to 20 dB above background noise of −45 to −35 dBFS, 2 to 6 s apart; false alarms in {} min of \
         background{} at −60 to −25 dBFS; seed {}. Events by the daemon's defaults: the model's thresholds, {} of {} \
         windows, smoothing of {} ms.",
        options.minutes,
        if options.negatives.is_empty() { "" } else { " and other sound without a class" },
        options.seed,
        rules.settings.confirm_windows,
        rules.settings.confirm_of,
        rules.smoothing.as_millis()
    )
}
