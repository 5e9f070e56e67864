//! Recordings that hold none of the labels, as they are, through the daemon's path: false alarms by kind of sound, and how
//! unknown kinds score. Called by the evaluation.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::chosen_clips::ChosenClips;
use super::negative_audio::score_scenes;
use super::streaming::{FalseAlarmFigures, Scene, SceneDetections, ScoredScene};
use super::{
    ClipScores, DetectionRules, EvaluationOptions, KindAlarms, MeasureError, OpenSetFigures,
    OpenSetReport, TopScore, UnlabelledReport, tsv,
};
use crate::model::Model;
use crate::offline::{ListedRecording, Progress, list_recordings};
use crate::recognition::ModelTraits;
use crate::sources::load_clip;

/// Recordings without a label, each scored by itself.
pub(super) struct ScoredRecordings {
    pub listed: Vec<ListedRecording>,
    /// Those of the recordings, in their order.
    pub scenes: Vec<ScoredScene>,
}

impl ScoredRecordings {
    /// Has the network score every recording named or found below a folder named.
    ///
    /// # Errors
    /// [`MeasureError`] when one cannot be found, read or scored.
    pub fn score(
        options: &EvaluationOptions,
        paths: &[PathBuf],
        model: &Arc<Model>,
        progress: &dyn Progress,
    ) -> Result<Self, MeasureError> {
        let listed = list_recordings(paths, options.manifest.as_ref())?;
        let build = |index: usize| {
            let clip = load_clip(&listed[index].path).map_err(MeasureError::Recording)?;
            Ok(Scene { clip, events: Vec::new() })
        };
        let scenes = if listed.is_empty() {
            Vec::new()
        } else {
            score_scenes(model, listed.len(), &build, progress)?
        };
        Ok(Self { listed, scenes })
    }

    /// False alarms by kind; none without recordings.
    pub fn report(&self, model: &ModelTraits) -> Result<Option<UnlabelledReport>, MeasureError> {
        if self.listed.is_empty() {
            return Ok(None);
        }
        let detections = self.detections(model)?;
        let kinds: BTreeSet<&str> = self.listed.iter().map(|it| it.kind.as_str()).collect();
        let figures = |kind: Option<&str>| {
            let is_of_kind = |it: &(&ListedRecording, &SceneDetections)| {
                kind.is_none_or(|kind| it.0.kind == kind)
            };
            let chosen: Vec<_> = self.listed.iter().zip(&detections).filter(is_of_kind).collect();
            let sources: BTreeSet<&str> = chosen.iter().map(|it| it.0.source.as_str()).collect();
            let scenes = chosen.iter().map(|it| it.1);
            KindAlarms {
                kind: kind.unwrap_or("all").to_owned(),
                recordings: chosen.len(),
                sources: sources.len(),
                alarms: FalseAlarmFigures::new(&model.labels, scenes),
            }
        };
        let kinds = kinds.into_iter().map(|kind| figures(Some(kind))).collect();
        Ok(Some(UnlabelledReport { all: figures(None), kinds }))
    }

    fn detections(&self, model: &ModelTraits) -> Result<Vec<SceneDetections>, MeasureError> {
        let rules = DetectionRules::default();
        let replayed = self.scenes.iter().map(|scene| scene.replay(model, &rules));
        replayed.collect::<Result<_, _>>().map_err(MeasureError::Replay)
    }

    /// Against the known windows.
    fn open_set(
        &self,
        model: &ModelTraits,
        chosen: &ChosenClips,
        known: &[TopScore],
    ) -> Result<(OpenSetFigures, Vec<TopScore>), MeasureError> {
        let narrowed = self.scenes.iter().map(|scene| chosen.narrowed(scene.scores.clone()));
        let unknown: Vec<TopScore> = narrowed.flat_map(|clip| TopScore::of_clip(&clip)).collect();
        let detections = self.detections(model)?;
        let with_event = detections.iter().filter(|it| !it.detected.is_empty()).count();
        let figures = OpenSetFigures::new(known, &unknown, self.listed.len(), with_event);
        Ok((figures, unknown))
    }
}

/// How kinds of sound without a label score beside the clips measured; none when no such sound was given.
///
/// # Errors
/// [`MeasureError`] when a recording cannot be found, read or scored, or the scores not be written.
pub(super) fn open_set(
    options: &EvaluationOptions,
    model: &Arc<Model>,
    chosen: &ChosenClips,
    known: &[ClipScores],
    progress: &dyn Progress,
) -> Result<Option<OpenSetReport>, MeasureError> {
    if options.unknown_seen.is_empty() && options.unknown.is_empty() {
        return Ok(None);
    }
    let known: Vec<TopScore> = known.iter().flat_map(TopScore::of_clip).collect();
    let traits = model.traits();
    let side = |paths: &[PathBuf]| {
        if paths.is_empty() {
            return Ok(None);
        }
        let recordings = ScoredRecordings::score(options, paths, model, progress)?;
        recordings.open_set(&traits, chosen, &known).map(Some)
    };
    let (seen, unseen) = (side(&options.unknown_seen)?, side(&options.unknown)?);
    if let Some(folder) = &options.scores_tsv {
        let scores = |side: &Option<(OpenSetFigures, Vec<TopScore>)>| {
            side.as_ref().map(|(_, scores)| scores.clone()).unwrap_or_default()
        };
        let (seen, unseen) = (scores(&seen), scores(&unseen));
        tsv::write_open_set(folder, &[("known", &known), ("seen", &seen), ("unseen", &unseen)])?;
    }
    Ok(Some(OpenSetReport {
        known_windows: known.len(),
        seen: seen.map(|(figures, _)| figures),
        unseen: unseen.map(|(figures, _)| figures),
    }))
}
