//! Streaming figures: clips placed in background noise at known times, and sound that holds no class, through the
//! daemon's path.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::anyhow;
use rayon::ThreadPoolBuilder;

use super::chosen_clips::ChosenClips;
use super::{EvalArguments, progress_bar};
use crate::cli::Failure;
use crate::domain::{Clip, LabelSet};
use crate::evaluation::DetectionRules;
use crate::evaluation::streaming::{
    FalseAlarmFigures, HeardScene, MatchRule, RecordedScene, Scene, ScenePiece, SceneSpec,
    StreamingFigures, SweepChoice, record_scenes, scene_groups, sweep,
};
use crate::model::{Bundle, Schedule};
use crate::offline::{DatasetClip, load_clean_clip, worker_count};
use crate::report::StreamingReport;
use crate::sources::load_clip;

/// Clips of a scene: with clips of five seconds, about ten minutes.
const CLIPS_A_SCENE: usize = 65;
/// Recordings without a class in a scene of ten minutes.
const NEGATIVES_A_SCENE: usize = 75;
/// Minutes of a scene without a class.
const MINUTES_A_SCENE: u32 = 10;

/// Builds the scenes, has the network hear them, and counts.
///
/// # Errors
/// [`Failure`] when a recording cannot be read or scored.
pub(super) fn measure(
    arguments: &EvalArguments,
    bundle: &Bundle,
    chosen: &ChosenClips,
) -> Result<StreamingReport, Failure> {
    let background = load_all(&arguments.background)?;
    let negatives = load_all(&arguments.negatives)?;
    let clips = chosen.clips();
    let rate = bundle.manifest.front_end.sample_rate_hz;
    let groups = scene_groups(clips.len(), CLIPS_A_SCENE, arguments.seed);
    let with_clips = |index: usize| {
        let seed = arguments.seed.wrapping_add(index as u64);
        let members: Vec<&DatasetClip> = groups[index].iter().map(|&clip| clips[clip]).collect();
        place(&SceneSpec::new(rate, seed), &members, chosen, &background)
    };
    let negative_groups = scene_groups(negatives.len(), NEGATIVES_A_SCENE, arguments.seed);
    let minutes_of =
        |index: u32| (arguments.minutes - index * MINUTES_A_SCENE).min(MINUTES_A_SCENE);
    let without = |index: usize| {
        let seed = arguments.seed.wrapping_add(1_000 + index as u64);
        let length = Duration::from_secs(60 * u64::from(minutes_of(index as u32)));
        let spec = SceneSpec::without_classes(rate, length, seed);
        let group = &negative_groups[index % negative_groups.len()];
        let pieces: Vec<ScenePiece<'_>> =
            group.iter().map(|&at| ScenePiece { clip: &negatives[at], label: None }).collect();
        Ok(Scene::build(&spec, &pieces, &background)?)
    };
    let quiet_scenes = arguments.minutes.div_ceil(MINUTES_A_SCENE) as usize;
    let scenes = record(bundle, groups.len() + quiet_scenes, &|index| match index
        .checked_sub(groups.len())
    {
        None => with_clips(index),
        Some(index) => without(index),
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

fn record(
    bundle: &Bundle,
    scenes: usize,
    build: &(dyn Fn(usize) -> anyhow::Result<Scene> + Sync),
) -> Result<Vec<RecordedScene>, Failure> {
    let featuriser = bundle.featuriser_spec();
    let bar = progress_bar(scenes as u64, "scenes");
    let built = |index: usize| {
        let scene = build(index);
        bar.inc(1);
        scene
    };
    // made here, one a scene: a bundle's tensors stay on the thread that loaded them
    let mut scorers = Vec::with_capacity(scenes);
    for _ in 0..scenes {
        scorers.push(bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?);
    }
    let scorers = Mutex::new(scorers);
    let new_scorer = || {
        let mut scorers = scorers.lock().expect("invariant: nothing panics with the lock");
        Ok(scorers.pop().expect("invariant: there is a scorer for every scene"))
    };
    // the pool ends with this call: threads that libtorch ran on must not outlive it into the exit
    let pool = ThreadPoolBuilder::new().num_threads(worker_count());
    let recorded = pool
        .build_scoped(
            |thread| thread.run(),
            |pool| pool.install(|| record_scenes(scenes, &featuriser, built, new_scorer)),
        )
        .map_err(Failure::failed)?;
    bar.finish_and_clear();
    recorded.map_err(Failure::device_or_model)
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

/// Every recording named or found below a folder named.
fn load_all(paths: &[PathBuf]) -> Result<Vec<Clip>, Failure> {
    let mut clips = Vec::new();
    for path in super::super::classify::recordings(paths)? {
        clips.push(load(&path)?);
    }
    Ok(clips)
}

fn load(path: &Path) -> Result<Clip, Failure> {
    load_clip(path).map_err(|error| Failure::device_or_model(anyhow!("{error}")))
}
