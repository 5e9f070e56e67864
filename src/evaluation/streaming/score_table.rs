//! A scene's scores as the detector sees them, a row a hop: what PSDS is computed from and what other tools read. Made of
//! scored scenes; runs wherever it is called.

use std::fmt::Write as _;

use super::{ScoredScene, TrueEvent};
use crate::domain::{LabelSet, SampleIndex, SampleRate};
use crate::evaluation::DetectionRules;

/// The scores of one scene over time, constant between two boundaries.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreTable {
    /// The rate that all sample indices count at.
    pub sample_rate: SampleRate,
    /// Where rows begin and end: row *i* holds from boundary *i* to *i* + 1.
    pub boundaries: Vec<SampleIndex>,
    /// `[rows][labels]`: smoothed scores; zeros below the minimum level.
    pub rows: Vec<Vec<f32>>,
    /// The events there are, in order of time.
    pub truth: Vec<TrueEvent>,
    /// Length of the scene.
    pub samples: u64,
}

impl ScoredScene {
    /// The scores as the detector would see them, each from the end of the window before to the end of its own: there an
    /// event of it would begin and end. The first holds from its window's start.
    pub fn table(&self, rules: &DetectionRules) -> ScoreTable {
        let windows = &self.scores.windows;
        let first = windows.first().map(|window| window.start_sample);
        ScoreTable {
            sample_rate: self.scores.sample_rate,
            boundaries: first.into_iter().chain(windows.iter().map(|it| it.end_sample)).collect(),
            rows: rules.smoothed(&self.scores),
            truth: self.truth.clone(),
            samples: self.samples,
        }
    }
}

impl ScoreTable {
    /// Length of the scene.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(self.sample_rate.hz())
    }

    /// As `sed_scores_eval` reads it: `onset`, `offset`, and a column a label; times in seconds.
    pub fn tsv(&self, labels: &LabelSet) -> String {
        let mut text = String::from("onset\toffset");
        for label in labels.iter() {
            let _ = write!(text, "\t{label}");
        }
        text.push('\n');
        for (ends, scores) in self.boundaries.windows(2).zip(&self.rows) {
            let seconds = |sample| self.sample_rate.seconds_at(sample);
            let _ = write!(text, "{}\t{}", seconds(ends[0]), seconds(ends[1]));
            for score in scores {
                let _ = write!(text, "\t{score}");
            }
            text.push('\n');
        }
        text
    }
}
