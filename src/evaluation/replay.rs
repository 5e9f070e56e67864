//! Recorded scores through the daemon's own recogniser again, without the network. Feeds the choice of thresholds, the
//! streaming metrics and the sweep over settings; runs wherever it is called.

use super::{ClipScores, DetectedEvent, DetectionRules, EvaluationError, EventCollector};
use crate::domain::{LabelSet, MelWindow, Scores};
use crate::recognition::{ModelTraits, Recogniser, RecogniserSpec, Scorer, ScorerError};

impl ClipScores {
    /// The events that the daemon would make of these scores, with a model's thresholds and these rules: the same as a
    /// scan of the recording gives.
    ///
    /// # Errors
    /// [`EvaluationError::Detector`] when the rules contradict; [`EvaluationError::Scorer`] when a score is none.
    pub fn replay(
        &self,
        model: &ModelTraits,
        rules: &DetectionRules,
    ) -> Result<Vec<DetectedEvent>, EvaluationError> {
        let scorer = ReplayScorer { labels: model.labels.clone() };
        let spec = RecogniserSpec {
            source: "replay".into(),
            sample_rate: self.sample_rate,
            smoothing: rules.smoothing,
            detector: rules.detector(model)?,
            // nobody reads the window records' scores
            top: 0,
        };
        let mut recogniser = Recogniser::new(Box::new(scorer), spec)?;
        let mut collector = EventCollector::new(model.labels.clone());
        let mut replayed = MelWindow::zeros(1, model.labels.len());
        for window in &self.windows {
            replayed.values.clone_from(&window.scores);
            replayed.start_sample = window.start_sample;
            replayed.end_sample = window.end_sample;
            replayed.level_dbfs = window.level_dbfs;
            recogniser.push(&replayed, &mut |published| collector.push(&published.record))?;
        }
        recogniser.finish(&mut |published| collector.push(&published.record));
        Ok(collector.events())
    }
}

/// Gives a window's values as its scores.
struct ReplayScorer {
    labels: LabelSet,
}

impl Scorer for ReplayScorer {
    fn labels(&self) -> &LabelSet {
        &self.labels
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            scores.0.clone_from(&window.values);
        }
        Ok(())
    }
}
