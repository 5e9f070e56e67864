//! Clips of a dataset through the live path, on all cores. Called by `eval`, and by `train` when it has trained.

use super::Failure;
use super::progress_bar::progress_bar;
use crate::evaluation::{ClipScores, score_clip};
use crate::model::{Bundle, NetworkScorer, Schedule};
use crate::offline::{
    CleaningSpec, ClipFault, DatasetClip, load_clean_clip, map_clips, worker_count,
};

/// Scores every window of every clip, in the order given, each thread with a scorer of its own; a clip that cannot be
/// scored gives its fault.
///
/// # Errors
/// [`Failure`] when libtorch refuses a scorer.
pub fn score_clips(
    bundle: &Bundle,
    clips: &[&DatasetClip],
    cleaning: &CleaningSpec,
) -> Result<Vec<Result<ClipScores, ClipFault>>, Failure> {
    let featuriser = bundle.featuriser_spec();
    let mut scorers = Vec::new();
    for _ in 0..worker_count() {
        scorers.push(bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?);
    }
    let bar = progress_bar(clips.len() as u64, "clips");
    let work = |scorer: &mut NetworkScorer, index: usize, clip: &&DatasetClip| {
        let audio = load_clean_clip(clip, cleaning)?;
        score_clip(&audio, Some(clip.label), index as u64, &featuriser, scorer).map_err(|error| {
            ClipFault { path: clip.path.clone(), reason: error.to_string(), fold: clip.fold }
        })
    };
    let scores = map_clips(clips, scorers, work, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(scores)
}
