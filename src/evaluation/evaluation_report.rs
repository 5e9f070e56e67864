//! Everything that one measurement of a model came to. Filled by `evaluate`; printed as JSON and laid out on the page.

use serde::Serialize;

use super::streaming::{
    EventScores, FalseAlarmFigures, OperatingPoint, StreamingFigures, SweepPoint,
};
use super::{CalibrationFigures, ClassificationFigures, CurveFigures, Mistake, OpenSetFigures};

/// What `eval --json` prints and the page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// The model's name.
    pub model: String,
    /// The dataset's name.
    pub dataset: String,
    /// Which clips were measured, in words.
    pub measured_on: String,
    /// What was done to each recording before it was measured, in words; empty for nothing.
    pub cleaning: String,
    /// Whether the model was trained on some of them: then the figures say how well they are remembered.
    pub trained_on: bool,
    /// Whether parts of one recording were both trained and measured on.
    pub leaky: bool,
    /// Recordings that could not be used and were left out.
    pub left_out: usize,
    /// Accuracy, precision, recall, confusion.
    #[serde(flatten)]
    pub classification: ClassificationFigures,
    /// Clips whose prediction is wrong, the surest first.
    pub mistakes: Vec<Mistake>,
    /// Curves over every threshold, by clip.
    pub curves: CurveFigures,
    /// Whether scores mean what they say.
    pub calibration: Calibration,
    /// Events in long recordings, when background was given to place clips in.
    pub streaming: Option<StreamingReport>,
    /// False alarms in recordings as they are, when such were given.
    pub unlabelled: Option<UnlabelledReport>,
    /// Kinds of sound that have no label, when such were given.
    pub open_set: Option<OpenSetReport>,
}

/// Scores against what came true, over the windows that carry a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Every score of every label.
    pub every_label: CalibrationFigures,
    /// Each window's highest score alone.
    pub best_label: CalibrationFigures,
}

/// What the daemon would have detected in long recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamingReport {
    /// How the recordings were made and what decided events, in words.
    pub conditions: String,
    /// Clips placed in background, where a start counts that is within the tolerance of the true one.
    pub events: StreamingFigures,
    /// The same, where a start anywhere within the true event counts.
    pub events_within: StreamingFigures,
    /// Event-based F-scores of the same scenes: the headline, the wide collar, and the strict one.
    pub event_scores: Vec<EventScores>,
    /// Polyphonic sound detection score of the scenes with events, first scenario: when something sounds.
    pub psds_1: Option<f64>,
    /// The same, second scenario: what sounds.
    pub psds_2: Option<f64>,
    /// Sound that holds none of the labels.
    pub false_alarms: FalseAlarmFigures,
    /// How much is found where false alarms may be so many, in that sound and in the recordings without a label.
    pub operating_points: Vec<OperatingPoint>,
    /// The same recordings under other settings.
    pub sweep: Vec<SweepPoint>,
}

/// False alarms in recordings that hold none of the labels, each recording by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnlabelledReport {
    /// All kinds together.
    pub all: KindAlarms,
    /// Each kind, by name.
    pub kinds: Vec<KindAlarms>,
}

/// False alarms in one kind of sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindAlarms {
    /// The kind; `all` for all together.
    pub kind: String,
    /// Recordings.
    pub recordings: usize,
    /// Speakers, rooms or devices that they come from.
    pub sources: usize,
    /// What was counted in them.
    #[serde(flatten)]
    pub alarms: FalseAlarmFigures,
}

/// Kinds of sound that have no label, against the clips of the dataset, by the highest score of each window that carries
/// sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenSetReport {
    /// Windows of known kinds.
    pub known_windows: usize,
    /// Kinds that training used as holding no label.
    pub seen: Option<OpenSetFigures>,
    /// Kinds that training never used.
    pub unseen: Option<OpenSetFigures>,
}

impl EvaluationReport {
    /// What has to be read before any figure; empty when there is nothing to warn of.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.leaky {
            warnings.push(
                "LEAKY: parts of one recording were both trained and measured on; the figures say how well recordings \
                 are remembered"
                    .to_owned(),
            );
        }
        if self.trained_on {
            warnings.push(
                "TRAINED ON: the model has seen these clips; the figures say nothing of others"
                    .to_owned(),
            );
        }
        if self.left_out > 0 {
            warnings
                .push(format!("{} recordings could not be used and are left out", self.left_out));
        }
        warnings
    }
}
