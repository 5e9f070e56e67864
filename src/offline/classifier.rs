//! What sounds in a recording, in one call: the front door for programs that have recordings and a model. Runs where it is
//! called.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{ClipScanner, ClipWindows, ScanError};
use crate::domain::{Clip, EventPhase, LabelScore, LabelSet, Record};
use crate::model::{BundleError, Model, NetworkScorer};
use crate::recognition::{DetectorFaults, Recogniser, RecognitionError, RecognitionRules};

/// A model that cannot be used on recordings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// Its bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The usual rules of detection make no sense with its thresholds or its hop.
    #[error(transparent)]
    Rules(#[from] DetectorFaults),
    /// Labels and rules do not fit each other.
    #[error(transparent)]
    Recognition(#[from] RecognitionError),
}

/// An event in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipEvent {
    /// What was recognised.
    pub label: Arc<str>,
    /// From the beginning of the recording.
    pub start: Duration,
    /// From the beginning of the recording.
    pub end: Duration,
    /// The highest smoothed score during the event.
    pub peak_score: f32,
}

/// What is in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// Every label with the mean of its smoothed scores over all windows, highest first; empty without windows.
    pub scores: Vec<LabelScore>,
    /// In the order of their ends.
    pub events: Vec<ClipEvent>,
    /// How the recording was cut into windows.
    pub windows: ClipWindows,
}

/// Recognises sounds in recordings, by the same path as the daemon and with its default rules.
///
/// ```
/// use tympan::domain::{Clip, SampleRate};
/// use tympan::offline::Classifier;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut classifier = Classifier::open("models/esc50".as_ref())?;
/// // `sources::load_clip` reads one from a file
/// let silence = Clip { sample_rate: SampleRate::new(44_100)?, samples: vec![0.0; 44_100 * 3] };
/// let found = classifier.classify(&silence)?;
/// assert!(found.events.is_empty());
/// assert_eq!(found.scores.len(), classifier.labels().len());
/// # Ok(())
/// # }
/// ```
pub struct Classifier {
    labels: LabelSet,
    scanner: ClipScanner,
}

impl Classifier {
    /// Loads the bundle in `folder`.
    ///
    /// # Errors
    /// [`ClassifierError`].
    pub fn open(folder: &Path) -> Result<Self, ClassifierError> {
        Self::new(&Arc::new(Model::open(folder)?))
    }

    /// Shares a model.
    ///
    /// # Errors
    /// [`ClassifierError::Rules`] or [`ClassifierError::Recognition`].
    pub fn new(model: &Arc<Model>) -> Result<Self, ClassifierError> {
        let rules = RecognitionRules::standard(&model.traits())?;
        let rules = RecognitionRules { top_labels: model.labels().len(), ..rules };
        let rate = model.sample_rate();
        let scorer = Box::new(NetworkScorer::new(model));
        let recogniser = Recogniser::new(scorer, rules, "", rate)?;
        let scanner = ClipScanner::new(model.featuriser_spec(), recogniser);
        Ok(Self { labels: model.labels().clone(), scanner })
    }

    /// The labels that the model knows.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Finds what sounds in a recording of any sample rate.
    ///
    /// # Errors
    /// [`ScanError`] when its rate cannot be resampled.
    pub fn classify(&mut self, clip: &Clip) -> Result<Classification, ScanError> {
        let mut sums = vec![0.0; self.labels.len()];
        let mut events = Vec::new();
        let at = |sample: crate::domain::SampleIndex| clip.sample_rate.duration_of(sample.0);
        let labels = &self.labels;
        let windows = self.scanner.scan(clip, "".into(), &mut |record| match record {
            Record::Window(window) => {
                for LabelScore { label, score } in &window.scores {
                    if let Some(index) = labels.index_of(label) {
                        sums[index] += f64::from(*score);
                    }
                }
            }
            Record::Event(event) => {
                if let EventPhase::Offset { end_sample, peak_score } = event.phase {
                    let (start, end) = (at(event.start_sample), at(end_sample));
                    events.push(ClipEvent { label: event.label, start, end, peak_score });
                }
            }
            Record::Gap(_) | Record::Status(_) => {}
        })?;
        let mean = |sum: f64| (sum / windows.windows as f64) as f32;
        let mut scores: Vec<LabelScore> = labels
            .iter()
            .zip(sums)
            .filter(|_| windows.windows > 0)
            .map(|(label, sum)| LabelScore { label: Arc::clone(label), score: mean(sum) })
            .collect();
        scores.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Classification { scores, events, windows })
    }
}
