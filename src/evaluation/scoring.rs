//! Clips of a dataset through the live path, on all cores. Called by the evaluation, and by the training when a network is
//! fitted.

use std::sync::Arc;

use super::{ClipScores, score_clip};
use crate::model::{Model, NetworkScorer};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, Progress, load_clean_clip, map_clips, worker_count,
};

/// Scores every window of every clip, in the order given, each thread with a scorer of its own; a clip that cannot be
/// scored gives its fault.
pub fn score_clips(
    model: &Arc<Model>,
    clips: &[&DatasetClip],
    cleaning: &CleaningSpec,
    progress: &dyn Progress,
) -> Vec<Result<ClipScores, ClipFault>> {
    let featuriser = model.featuriser_spec();
    let scorers = (0..worker_count()).map(|_| model.scorer()).collect();
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
