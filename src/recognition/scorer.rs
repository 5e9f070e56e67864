//! What turns windows into scores: a network in this process, a fake in a test, one day a worker elsewhere. And windows scored
//! together, each given on with its scores, by the classify thread for all inputs and by [`super::Recogniser`] for one.

use super::{DetectorSpec, RecognitionError};
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
///             scores.values[0] = (1.0 + window.level_dbfs / 120.0).clamp(0.0, 1.0);
///         }
///         Ok(())
///     }
/// }
///
/// let mut scorer = Loudness(LabelSet::new(&["loud"]).unwrap());
/// let mut scores = [Scores::zeros(1)];
/// scorer.score_into(&[MelWindow { level_dbfs: -30.0, ..MelWindow::zeros(94, 64) }], &mut scores)?;
/// assert_eq!(scores[0].values, [0.75]);
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

/// A scorer and the scores of its last batch, whose memory is kept for the next.
pub struct BatchScorer {
    scorer: Box<dyn Scorer>,
    scores: Vec<Scores>,
}

impl BatchScorer {
    /// Checks that `detector` was made for the labels of `scorer`.
    ///
    /// # Errors
    /// [`RecognitionError::LabelsDiffer`] when it was made for those of another model.
    pub fn new(scorer: Box<dyn Scorer>, detector: &DetectorSpec) -> Result<Self, RecognitionError> {
        check_labels(&*scorer, detector)?;
        Ok(Self { scorer, scores: Vec::new() })
    }

    /// Scores `windows`, of any inputs, in one call, and gives each to `on_scores`, in their order.
    ///
    /// # Real time
    /// Allocates nothing once a batch of this length has been seen.
    ///
    /// # Errors
    /// [`ScorerError`] when the scorer fails, or `on_scores` does. The windows before the bad one have been given on.
    pub fn score(
        &mut self,
        windows: &[MelWindow],
        on_scores: &mut dyn FnMut(&MelWindow, &mut Scores) -> Result<(), ScorerError>,
    ) -> Result<(), ScorerError> {
        let labels = self.scorer.labels().len();
        if self.scores.len() < windows.len() {
            self.scores.resize_with(windows.len(), || Scores::zeros(labels));
        }
        let scores = &mut self.scores[..windows.len()];
        match self.scorer.score_into(windows, scores) {
            // to find out which of them it is
            Err(_) if windows.len() > 1 => windows
                .iter()
                .try_for_each(|window| self.score(std::slice::from_ref(window), on_scores)),
            Err(error) => Err(error),
            Ok(()) => windows
                .iter()
                .zip(scores)
                .try_for_each(|(window, scores)| on_scores(window, scores)),
        }
    }
}

fn check_labels(scorer: &dyn Scorer, detector: &DetectorSpec) -> Result<(), RecognitionError> {
    let (ours, theirs): (&LabelSet, &LabelSet) = (detector.labels(), scorer.labels());
    if ours == theirs {
        return Ok(());
    }
    let parted = ours.iter().zip(theirs.iter()).enumerate().find(|(_, (a, b))| a != b);
    let difference = match parted {
        Some((index, (a, b))) => {
            format!("label {index} is {a:?} for the detector, {b:?} for the scorer")
        }
        None => "one has labels more at its end".to_owned(),
    };
    Err(RecognitionError::LabelsDiffer { detector: ours.len(), scorer: theirs.len(), difference })
}
