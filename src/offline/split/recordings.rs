//! Recordings without a label dealt out to disjoint parts, such as one to train with, one to choose thresholds by and one
//! to report on. Called by whoever needs sound that holds no label.

use super::SplitError;
use super::sources::{allot, sources_of};
use super::split_spec::gather;
use crate::offline::datasets::{DatasetClip, ListedRecording};

/// How far the sum of the shares may be from 1: what three decimals leave of three thirds.
const ROUNDING: f64 = 0.01;

/// Deals recordings out to parts, each kind by these shares as well as sources can be dealt out whole: no source, and no
/// file, is in two parts. The same seed gives the same parts.
///
/// ```
/// use tympan::offline::{ListedRecording, split_recordings};
///
/// let of = |source: &str, number: usize| ListedRecording {
///     path: format!("{source}_{number}.wav").into(),
///     kind: "speech".to_owned(),
///     source: source.to_owned(),
/// };
/// let all: Vec<_> = (0..12).map(|number| of(["ann", "bob", "eve"][number % 3], number)).collect();
/// let parts = split_recordings(&all, &[0.5, 0.25, 0.25], 1)?;
/// assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
/// # Ok::<(), tympan::offline::SplitError>(())
/// ```
///
/// # Shapes
/// `shares`: `[parts]`, of sum 1; the answer: `[parts]`, rising indices into `recordings`.
///
/// # Errors
/// [`SplitError::Shares`] for shares that are not above 0 or do not make 1, [`SplitError::FewSources`] when a part is left
/// without a recording.
pub fn split_recordings(
    recordings: &[ListedRecording],
    shares: &[f64],
    seed: u64,
) -> Result<Vec<Vec<usize>>, SplitError> {
    let sum: f64 = shares.iter().sum();
    if !(shares.iter().all(|&share| share > 0.0) && (sum - 1.0).abs() <= ROUNDING) {
        return Err(SplitError::Shares { shares: shares.to_vec() });
    }
    let mut kinds: Vec<&str> = recordings.iter().map(|it| it.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let clip = |recording: &ListedRecording| DatasetClip {
        path: recording.path.clone(),
        label: kinds.partition_point(|kind| *kind < recording.kind.as_str()),
        fold: None,
        group: Some(recording.source.clone()),
        span: None,
    };
    let clips: Vec<DatasetClip> = recordings.iter().map(clip).collect();
    let source_of = sources_of(&clips);
    let sources = gather(&clips, &source_of);
    let part_of = allot(&sources, kinds.len(), shares, seed);
    let mut parts = vec![Vec::new(); shares.len()];
    for (index, source) in source_of.into_iter().enumerate() {
        parts[part_of[source]].push(index);
    }
    if parts.iter().any(Vec::is_empty) {
        return Err(SplitError::FewSources { sources: sources.len(), parts: shares.len() });
    }
    Ok(parts)
}
