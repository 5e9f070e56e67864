//! Windows scored together, and each given on with its scores. Owned by the classify thread, for all inputs, and by
//! [`super::Recogniser`], for one.

use super::{DetectorSpec, RecognitionError, Scorer, ScorerError};
use crate::domain::{LabelSet, MelWindow, Scores};

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
