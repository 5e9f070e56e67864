//! Clips of a dataset, and scenes, through the network on all cores; and hours of sound that holds none of the labels, as scenes.
//! Called by the evaluation, which counts events in them, and by the training, which chooses thresholds by them.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rayon::ThreadPoolBuilder;

use super::streaming::{Scene, ScenePiece, SceneSpec, ScoredScene, scene_groups, score_each_scene};
use super::{ClipScores, MeasureError, score_clip};
use crate::domain::{Clip, SampleRate};
use crate::model::{Model, NetworkScorer};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, Progress, load_clean_clip, map_clips, worker_count,
};
use crate::sources::{Soundscape, find_recordings, load_clip};

/// Recordings without a class in a scene.
const NEGATIVES_A_SCENE: usize = 75;
/// Minutes of a scene without a class.
const MINUTES_A_SCENE: u32 = 10;

/// Sound that holds none of the labels, as scenes of ten minutes.
pub struct NegativeAudio {
    /// What the scenes are laid with.
    pub background: Vec<Clip>,
    /// What else comes in them, such as speech.
    negatives: Vec<Clip>,
    minutes: u32,
    seed: u64,
    groups: Vec<Vec<usize>>,
    /// The level of the background, where it is not that of [`SceneSpec::without_classes`].
    background_dbfs: Option<RangeInclusive<f32>>,
}

/// The level of a room in which nothing sounds, through microphones of all kinds.
const EMPTY_ROOM_DBFS: RangeInclusive<f32> = -65.0..=-45.0;
/// The empty room that a scene is laid with.
const ROOM: Duration = Duration::from_secs(60);

impl NegativeAudio {
    /// Loads every recording named or found below a folder named; `seed` decides what comes when and how loud.
    ///
    /// # Errors
    /// [`MeasureError`] when one cannot be read.
    pub fn load(
        background: &[PathBuf],
        negatives: &[PathBuf],
        minutes: u32,
        seed: u64,
    ) -> Result<Self, MeasureError> {
        let (background, negatives) = (load_all(background)?, load_all(negatives)?);
        let groups = scene_groups(negatives.len(), NEGATIVES_A_SCENE, seed);
        Ok(Self { background, negatives, minutes, seed, groups, background_dbfs: None })
    }

    /// The empty room of the demo: what there is where nobody has recorded a room.
    pub fn empty_room(minutes: u32, seed: u64) -> Self {
        Self {
            background: vec![Soundscape::empty_room(seed, ROOM)],
            negatives: Vec::new(),
            minutes,
            seed,
            groups: Vec::new(),
            background_dbfs: Some(EMPTY_ROOM_DBFS),
        }
    }

    /// How many scenes there are.
    pub fn scenes(&self) -> usize {
        self.minutes.div_ceil(MINUTES_A_SCENE) as usize
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is no background, or its rate cannot be brought to `rate`.
    pub fn build(&self, index: usize, rate: SampleRate) -> Result<Scene, MeasureError> {
        let before = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(MINUTES_A_SCENE);
        let minutes = self.minutes.saturating_sub(before).min(MINUTES_A_SCENE);
        let length = Duration::from_secs(60 * u64::from(minutes));
        let mut spec =
            SceneSpec::without_classes(rate, length, self.seed.wrapping_add(index as u64));
        if let Some(level) = &self.background_dbfs {
            spec.background_dbfs = level.clone();
        }
        // without negatives there are no groups of them: background alone
        let group = self.groups.get(index % self.groups.len().max(1));
        let pieces: Vec<ScenePiece<'_>> = group
            .into_iter()
            .flatten()
            .map(|&at| ScenePiece { clip: &self.negatives[at], label: None })
            .collect();
        Ok(Scene::build(&spec, &pieces, &self.background)?)
    }
}

/// Builds scenes `0..scenes` and has the network score them, on all cores.
///
/// # Errors
/// [`MeasureError`] when a scene cannot be built or scored.
pub fn score_scenes(
    model: &Arc<Model>,
    scenes: usize,
    build: &(dyn Fn(usize) -> Result<Scene, MeasureError> + Sync),
    progress: &dyn Progress,
) -> Result<Vec<ScoredScene>, MeasureError> {
    let featuriser = model.featuriser_spec();
    progress.begin(scenes, "stretches of sound for events");
    let new_scorer = || {
        progress.advance();
        Ok(NetworkScorer::new(model))
    };
    let pool = ThreadPoolBuilder::new().num_threads(worker_count());
    let recorded = pool
        .build_scoped(
            |thread| thread.run(),
            |pool| pool.install(|| score_each_scene(scenes, &featuriser, build, new_scorer)),
        )
        .map_err(|error| MeasureError::Threads { reason: error.to_string() })?;
    progress.finish();
    recorded
}

fn load_all(paths: &[PathBuf]) -> Result<Vec<Clip>, MeasureError> {
    let files = find_recordings(paths).map_err(MeasureError::Search)?;
    files.iter().map(|path| load_clip(path).map_err(MeasureError::Recording)).collect()
}

/// Scores every window of every clip, in the order given, each thread with a scorer of its own; a clip that cannot be
/// scored gives its fault.
pub fn score_clips(
    model: &Arc<Model>,
    clips: &[&DatasetClip],
    cleaning: &CleaningSpec,
    progress: &dyn Progress,
) -> Vec<Result<ClipScores, ClipFault>> {
    let featuriser = model.featuriser_spec();
    let scorers = (0..worker_count()).map(|_| NetworkScorer::new(model)).collect();
    let work = |scorer: &mut NetworkScorer, _: usize, clip: &&DatasetClip| {
        let audio = load_clean_clip(clip, cleaning)?;
        score_clip(&audio, Some(clip.label), &featuriser, scorer).map_err(|error| ClipFault {
            path: clip.path.clone(),
            reason: error.to_string(),
            fold: clip.fold,
        })
    };
    progress.begin(clips.len(), "clips");
    let scores = map_clips(clips, scorers, work, &|| progress.advance());
    progress.finish();
    scores
}
