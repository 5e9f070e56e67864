//! Streaming figures: clips placed in background noise at known times, and sound that holds no class, through the
//! daemon's path.

use std::time::Duration;

use super::arguments::EvalArguments;
use super::chosen_clips::ChosenClips;
use crate::cli::Failure;
use crate::cli::scenes::{QuietSound, record};
use crate::domain::{Clip, LabelSet};
use crate::evaluation::DetectionRules;
use crate::evaluation::streaming::{
    FalseAlarmFigures, HeardScene, MatchRule, RecordedScene, Scene, ScenePiece, SceneSpec,
    StreamingFigures, SweepChoice, scene_groups, sweep,
};
use crate::model::Bundle;
use crate::offline::{DatasetClip, load_clean_clip};
use crate::report::StreamingReport;

/// Clips of a scene: with clips of five seconds, about ten minutes.
const CLIPS_A_SCENE: usize = 65;
/// Far from the seeds of scenes with clips.
const QUIET_SEEDS: u64 = 1_000;

/// Builds the scenes, has the network hear them, and counts.
///
/// # Errors
/// [`Failure`] when a recording cannot be read or scored.
pub(super) fn measure(
    arguments: &EvalArguments,
    bundle: &Bundle,
    chosen: &ChosenClips,
) -> Result<StreamingReport, Failure> {
    let seed = arguments.seed.wrapping_add(QUIET_SEEDS);
    let quiet =
        QuietSound::load(&arguments.background, &arguments.negatives, arguments.minutes, seed)?;
    let clips = chosen.clips();
    let rate = bundle.manifest.front_end.sample_rate_hz;
    let groups = scene_groups(clips.len(), CLIPS_A_SCENE, arguments.seed);
    let with_clips = |index: usize| {
        let seed = arguments.seed.wrapping_add(index as u64);
        let members: Vec<&DatasetClip> = groups[index].iter().map(|&clip| clips[clip]).collect();
        place(&SceneSpec::new(rate, seed), &members, chosen, &quiet.background)
    };
    let scenes = record(bundle, groups.len() + quiet.scenes(), &|index| match index
        .checked_sub(groups.len())
    {
        None => with_clips(index),
        Some(index) => quiet.build(index, rate),
    })?;
    figures(arguments, bundle, &scenes)
}

/// A scene of clips in background.
fn place(
    spec: &SceneSpec,
    members: &[&DatasetClip],
    chosen: &ChosenClips,
    background: &[Clip],
) -> anyhow::Result<Scene> {
    let mut loaded = Vec::with_capacity(members.len());
    for clip in members {
        match load_clean_clip(clip, &chosen.cleaning) {
            Ok(audio) => loaded.push((audio, chosen.model_label(clip))),
            // told when the clips were scored
            Err(fault) => log::debug!("{fault}"),
        }
    }
    let pieces: Vec<ScenePiece<'_>> =
        loaded.iter().map(|(clip, label)| ScenePiece { clip, label: Some(*label) }).collect();
    Ok(Scene::build(spec, &pieces, background)?)
}

fn figures(
    arguments: &EvalArguments,
    bundle: &Bundle,
    scenes: &[RecordedScene],
) -> Result<StreamingReport, Failure> {
    let model = bundle.traits();
    let rules = DetectionRules::default();
    let mut heard = Vec::with_capacity(scenes.len());
    for scene in scenes {
        heard.push(scene.replay(&model, &rules).map_err(Failure::failed)?);
    }
    let (quiet, eventful): (Vec<HeardScene>, Vec<HeardScene>) =
        heard.into_iter().partition(|scene| scene.truth.is_empty());
    let points = if arguments.sweep {
        let choices = choices(&rules);
        sweep(scenes, &model, &choices, MatchRule::within()).map_err(Failure::failed)?
    } else {
        Vec::new()
    };
    let labels: &LabelSet = &model.labels;
    Ok(StreamingReport {
        conditions: conditions(arguments, &rules),
        events: StreamingFigures::new(labels, &eventful, MatchRule::default()),
        events_within: StreamingFigures::new(labels, &eventful, MatchRule::within()),
        false_alarms: FalseAlarmFigures::new(labels, &quiet),
        sweep: points,
    })
}

fn choices(rules: &DetectionRules) -> Vec<SweepChoice> {
    let smoothings = [0, 150, 300, 600].map(Duration::from_millis);
    let confirmations = [(1, 1), (2, 3), (3, 4), (4, 5), (6, 8)];
    SweepChoice::grid(rules, &[0.7, 0.85, 1.0, 1.15, 1.3, 1.5], &smoothings, &confirmations)
}

fn conditions(arguments: &EvalArguments, rules: &DetectionRules) -> String {
    format!(
        "Each clip once, 6 to 20 dB above background noise of −45 to −35 dBFS, 2 to 6 s apart; false alarms in {} min of \
         background{} at −60 to −25 dBFS; seed {}. Events by the daemon's defaults: the model's thresholds, {} of {} \
         windows, smoothing of {} ms.",
        arguments.minutes,
        if arguments.negatives.is_empty() { "" } else { " and other sound without a class" },
        arguments.seed,
        rules.settings.confirm_windows,
        rules.settings.confirm_of,
        rules.smoothing.as_millis()
    )
}
