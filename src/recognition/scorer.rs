//! What turns windows into scores: a network in this process, a fake in a test, one day a worker elsewhere.

use crate::domain::{LabelSet, MelWindow, Scores};

/// Scores windows of mel frames.
///
/// A window's scores depend on that window's values alone: whatever an implementation remembers between calls is a
/// cache that changes nothing but speed.
///
/// ```
/// use tympan::domain::{LabelSet, MelWindow, Scores};
/// use tympan::recognition::{Scorer, ScorerError};
///
/// /// The louder, the likelier.
/// struct Loudness(LabelSet);
///
/// impl Scorer for Loudness {
///     fn labels(&self) -> &LabelSet {
///         &self.0
///     }
///
///     fn score_into(
///         &mut self,
///         windows: &[MelWindow],
///         scores: &mut [Scores],
///     ) -> Result<(), ScorerError> {
///         for (window, scores) in windows.iter().zip(scores) {
///             scores.0[0] = (1.0 + window.level_dbfs / 120.0).clamp(0.0, 1.0);
///         }
///         Ok(())
///     }
/// }
///
/// let mut scorer = Loudness(LabelSet::new(&["loud"]).unwrap());
/// let mut scores = [Scores::zeros(1)];
/// scorer.score_into(&[MelWindow { level_dbfs: -30.0, ..MelWindow::zeros(94, 64) }], &mut scores)?;
/// assert_eq!(scores[0].0, [0.75]);
/// # Ok::<(), ScorerError>(())
/// ```
pub trait Scorer: Send {
    /// The labels, in the order of the scores.
    fn labels(&self) -> &LabelSet;

    /// Scores `windows[i]` into `scores[i]`.
    ///
    /// # Shapes
    /// `windows` and `scores` are equally long; each `Scores` holds one value per label.
    ///
    /// # Errors
    /// [`ScorerError`] when the runtime behind it fails; the scores are then unspecified.
    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError>;
}

/// The runtime behind a scorer failed.
#[derive(Debug, thiserror::Error)]
#[error("scoring a window failed")]
pub struct ScorerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
