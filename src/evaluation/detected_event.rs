//! Events as the detector reported them, taken from its records, and those that it makes of scores that were kept. Fed records by a scan or a replay, feeds the matching; runs
//! wherever it is called.

use serde::Serialize;

use super::{ClipScores, DetectionRules, EvaluationError};
use crate::domain::{EventPhase, LabelSet, MelWindow, Record, SampleIndex, Scores};
use crate::recognition::{ModelTraits, Recogniser, RecognitionRules, Scorer, ScorerError};

/// An event from onset to offset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DetectedEvent {
    /// Which label, as an index into the label set.
    pub label: usize,
    /// Where the detector reports that it began.
    pub start_sample: SampleIndex,
    /// Where the detector reports that it ended.
    pub end_sample: SampleIndex,
    /// End of the window that confirmed it: the audio that had to be scored before the event could be reported.
    pub confirmed_at: SampleIndex,
    /// The smoothed score that confirmed it.
    pub score: f32,
}

/// Joins onsets with their offsets, and with the windows that confirmed them.
#[derive(Debug)]
pub struct EventCollector {
    labels: LabelSet,
    last_window_end: SampleIndex,
    /// With their ids, in the order of their onsets; open ones end where the last window did.
    events: Vec<(u64, DetectedEvent)>,
}

impl EventCollector {
    /// Collects events of these labels.
    pub fn new(labels: LabelSet) -> Self {
        Self { labels, last_window_end: SampleIndex(0), events: Vec::new() }
    }

    /// Takes in one record, in the order they came. An onset's window record is the last one before it.
    pub fn push(&mut self, record: &Record) {
        match record {
            Record::Window(window) => self.last_window_end = window.end_sample,
            Record::Event(event) => match event.phase {
                EventPhase::Onset { score, .. } => {
                    let Some(label) = self.labels.index_of(&event.label) else { return };
                    let confirmed_at = self.last_window_end;
                    let detected = DetectedEvent {
                        label,
                        start_sample: event.start_sample,
                        end_sample: confirmed_at,
                        confirmed_at,
                        score,
                    };
                    self.events.push((event.id, detected));
                }
                EventPhase::Offset { end_sample, .. } => {
                    // the youngest are at the end
                    let open = self.events.iter_mut().rev().find(|(id, _)| *id == event.id);
                    if let Some((_, open)) = open {
                        open.end_sample = end_sample;
                    }
                }
            },
            Record::Gap(_) | Record::Status(_) => {}
        }
    }

    /// The events in the order of their onsets.
    pub fn events(self) -> Vec<DetectedEvent> {
        self.events.into_iter().map(|(_, event)| event).collect()
    }
}

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
        let rules = RecognitionRules {
            smoothing: rules.smoothing,
            detector: rules.detector(model)?,
            denied_labels: Vec::new(),
            // nobody reads the window records' scores
            top_labels: 0,
        };
        let mut recogniser = Recogniser::new(Box::new(scorer), rules, "replay", self.sample_rate)?;
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
            scores.values.clone_from(&window.values);
        }
        Ok(())
    }
}
