//! Clips of a dataset through the live path, on all cores. Called by the evaluation, and by the training when a network is
//! fitted.

use super::{ClipScores, MeasureError, score_clip};
use crate::model::{Bundle, NetworkScorer, Schedule};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, Progress, load_clean_clip, map_clips, worker_count,
};

/// Scores every window of every clip, in the order given, each thread with a scorer of its own; a clip that cannot be
/// scored gives its fault.
///
/// # Errors
/// [`MeasureError::Network`] when libtorch refuses a scorer.
pub fn score_clips(
    bundle: &Bundle,
    clips: &[&DatasetClip],
    cleaning: &CleaningSpec,
    progress: &dyn Progress,
) -> Result<Vec<Result<ClipScores, ClipFault>>, MeasureError> {
    let featuriser = bundle.featuriser_spec();
    let mut scorers = Vec::new();
    for _ in 0..worker_count() {
        scorers.push(bundle.scorer(Schedule::Incremental)?);
    }
    let work = |scorer: &mut NetworkScorer, index: usize, clip: &&DatasetClip| {
        let audio = load_clean_clip(clip, cleaning)?;
        score_clip(&audio, Some(clip.label), index as u64, &featuriser, scorer).map_err(|error| {
            ClipFault { path: clip.path.clone(), reason: error.to_string(), fold: clip.fold }
        })
    };
    progress.begin(clips.len(), "clips");
    let scores = map_clips(clips, scorers, work, &|| progress.advance());
    progress.finish();
    Ok(scores)
}
