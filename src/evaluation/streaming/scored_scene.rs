//! A scene's scores, computed once, and the events that the daemon makes of them. The measurement feeds it scenes and a
//! scorer; feeds the figures and the sweep; runs on the caller's thread and rayon's.

use rayon::prelude::*;

use super::{Scene, TrueEvent};
use crate::domain::SampleRate;
use crate::evaluation::{ClipScores, DetectedEvent, DetectionRules, EvaluationError, score_clip};
use crate::features::FeaturiserSpec;
use crate::recognition::{ModelTraits, Scorer};

/// The network's scores of a scene, window by window, and the scene's true events. The samples are gone.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredScene {
    /// The events in order of time.
    pub truth: Vec<TrueEvent>,
    /// Length of the scene.
    pub samples: u64,
    /// Every window's scores.
    pub scores: ClipScores,
}

/// The events that the daemon would detect in a scene, and its true events.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneDetections {
    /// The events there are, in order of time.
    pub truth: Vec<TrueEvent>,
    /// The detected events, in the order of their onsets.
    pub detected: Vec<DetectedEvent>,
    /// The rate that all sample indices count at.
    pub sample_rate: SampleRate,
    /// Length of the scene.
    pub samples: u64,
}

impl SceneDetections {
    /// Length of the scene.
    pub fn seconds(&self) -> f64 {
        self.sample_rate.duration_of(self.samples).as_secs_f64()
    }
}

impl ScoredScene {
    /// Scores a scene.
    ///
    /// # Errors
    /// [`EvaluationError`] when the scene's rate cannot be resampled or the scorer fails.
    pub fn score(
        scene: Scene,
        featuriser: &FeaturiserSpec,
        scorer: &mut dyn Scorer,
    ) -> Result<Self, EvaluationError> {
        let scores = score_clip(&scene.clip, None, featuriser, scorer)?;
        Ok(Self { truth: scene.events, samples: scene.clip.samples.len() as u64, scores })
    }

    /// The events that the daemon would make of the scene with a model's thresholds and these rules.
    ///
    /// # Errors
    /// As [`ClipScores::replay`].
    pub fn replay(
        &self,
        model: &ModelTraits,
        rules: &DetectionRules,
    ) -> Result<SceneDetections, EvaluationError> {
        Ok(SceneDetections {
            truth: self.truth.clone(),
            detected: self.scores.replay(model, rules)?,
            sample_rate: self.scores.sample_rate,
            samples: self.samples,
        })
    }
}

/// Builds scenes `0..scenes` and scores them, as many at a time as there are threads in rayon's pool: each builds its
/// scene, scores it with a scorer of its own, and drops the samples before it takes the next.
///
/// # Errors
/// The first error of `build`, of `new_scorer`, or of the scoring.
pub fn score_each_scene<S: Scorer, E: From<EvaluationError> + Send>(
    scenes: usize,
    featuriser: &FeaturiserSpec,
    build: impl Fn(usize) -> Result<Scene, E> + Sync,
    new_scorer: impl Fn() -> Result<S, E> + Sync,
) -> Result<Vec<ScoredScene>, E> {
    let score = |index: usize| {
        let scene = build(index)?;
        // a new scorer for each: what it costs is nothing beside ten minutes of windows
        let mut scorer = new_scorer()?;
        Ok(ScoredScene::score(scene, featuriser, &mut scorer)?)
    };
    // one at a time: rayon would otherwise hand a thread half of all scenes
    (0..scenes).into_par_iter().with_max_len(1).map(score).collect()
}
