//! Figures made of clip scores: accuracy, and precision, recall and F1 of each class; and the recordings whose prediction is
//! wrong: where a model fails, and where labels do. Pure; runs wherever it is called.

use serde::Serialize;

use super::ClipScores;
use crate::domain::{LabelSet, Scores};

/// How well the classes of clips are distinguished.
///
/// A clip's prediction is the label with the highest mean score over the windows that carry the clip's label (the first
/// of equals); a window's is its highest score. Clips without a label or without windows are left out.
///
/// The macro averages are means over the classes that have clips, each counting alike however many it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationFigures {
    /// Clips measured.
    pub clips: usize,
    /// Share of clips whose prediction is right.
    pub clip_accuracy: f64,
    /// Share of clips whose label is among the best three: fewer than three others score higher.
    pub clip_top3_accuracy: f64,
    /// Windows measured: those that carry their clip's label.
    pub windows: usize,
    /// Share of them whose prediction is right.
    pub window_accuracy: f64,
    /// Mean precision, by clip; zero for a class that has clips and was given to none.
    pub macro_precision: f64,
    /// Mean recall, by clip: also known as balanced accuracy.
    pub macro_recall: f64,
    /// Mean F1, by clip (not the F1 of the two means above).
    pub macro_f1: f64,
    /// Each class, in the order of the labels.
    pub classes: Vec<ClassFigures>,
    /// `confusion[truth][prediction]`: clips.
    pub confusion: Vec<Vec<usize>>,
    /// `window_confusion[truth][prediction]`: windows.
    pub window_confusion: Vec<Vec<usize>>,
}

/// One class's share in the figures, by clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Its label.
    pub label: String,
    /// Share of the clips given this label that have it; none when it was given to no clip.
    pub precision: Option<f64>,
    /// Share of the clips that have this label that were given it; none when no clip has it.
    pub recall: Option<f64>,
    /// Harmonic mean of the two; zero when nothing was right, none when no clip has the label.
    pub f1: Option<f64>,
    /// Clips that have it.
    pub support: usize,
}

impl ClassificationFigures {
    /// Counts.
    pub fn new(labels: &LabelSet, clips: &[ClipScores]) -> Self {
        let mut confusion = vec![vec![0; labels.len()]; labels.len()];
        let mut window_confusion = confusion.clone();
        let mut among_three = 0;
        for clip in clips {
            let mean = Scores { values: clip.mean(), ..Scores::default() };
            let (Some(truth), Some((best, _))) = (clip.label, mean.best()) else { continue };
            confusion[truth][best] += 1;
            let better = mean.values.iter().filter(|score| **score > mean.values[truth]).count();
            among_three += usize::from(better < 3);
            for window in clip.labelled() {
                if let Some((best, _)) = best_of(&window.scores) {
                    window_confusion[truth][best] += 1;
                }
            }
        }
        let classes: Vec<ClassFigures> = labels
            .iter()
            .enumerate()
            .map(|(label, name)| class_figures(name, label, &confusion))
            .collect();
        let present = || classes.iter().filter(|class| class.support > 0);
        let (clips, clip_accuracy) = accuracy(&confusion);
        let (windows, window_accuracy) = accuracy(&window_confusion);
        Self {
            clips,
            clip_accuracy,
            clip_top3_accuracy: share(among_three, clips).unwrap_or(0.0),
            windows,
            window_accuracy,
            macro_precision: mean(present().map(|class| class.precision.unwrap_or(0.0))),
            macro_recall: mean(present().filter_map(|class| class.recall)),
            macro_f1: mean(present().filter_map(|class| class.f1)),
            classes,
            confusion,
            window_confusion,
        }
    }
}

/// The highest score and whose it is; the first of equals.
pub(super) fn best_of(scores: &[f32]) -> Option<(usize, f32)> {
    let first_highest = |best: Option<(usize, f32)>, (label, &score): (usize, &f32)| match best {
        Some((_, highest)) if score <= highest => best,
        _ => Some((label, score)),
    };
    scores.iter().enumerate().fold(None, first_highest)
}

/// Everything counted, and the share of it on the diagonal.
fn accuracy(confusion: &[Vec<usize>]) -> (usize, f64) {
    let counted = confusion.iter().flatten().sum();
    let right = confusion.iter().enumerate().map(|(label, row)| row[label]).sum();
    (counted, share(right, counted).unwrap_or(0.0))
}

fn class_figures(name: &str, label: usize, confusion: &[Vec<usize>]) -> ClassFigures {
    let hits = confusion[label][label];
    let support = confusion[label].iter().sum();
    let given = confusion.iter().map(|row| row[label]).sum();
    let precision = share(hits, given);
    let recall = share(hits, support);
    ClassFigures {
        label: name.to_owned(),
        precision,
        recall,
        f1: recall.map(|_| share(2 * hits, support + given).unwrap_or(0.0)),
        support,
    }
}

/// A share of nothing is none.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Arithmetic mean; zero of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// A recording that was given another label than it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// The recording.
    pub recording: String,
    /// The label it is known to have.
    pub label: String,
    /// The label it was given: the highest mean score over the windows that carry the sound.
    pub prediction: String,
    /// Mean score of the label it was given.
    pub score: f32,
    /// Mean score of the label it has.
    pub label_score: f32,
}

/// The recordings whose prediction is wrong, the surest mistakes first; each comes with its name.
pub fn mistakes(labels: &LabelSet, clips: &[(String, &ClipScores)]) -> Vec<Mistake> {
    let mut found: Vec<Mistake> = clips
        .iter()
        .filter_map(|(recording, clip)| {
            let (mean, truth) = (clip.mean(), clip.label?);
            let (best, score) = best_of(&mean).filter(|(best, _)| *best != truth)?;
            Some(Mistake {
                recording: recording.clone(),
                label: labels.label(truth).to_string(),
                prediction: labels.label(best).to_string(),
                score,
                label_score: mean[truth],
            })
        })
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.recording.cmp(&b.recording)));
    found
}

#[cfg(test)]
mod tests {
    use super::super::clip_scores::tests::clip;
    use super::*;

    fn twice(label: Option<usize>, scores: &[f32]) -> ClipScores {
        clip(label, &[(scores.to_vec(), -20.0), (scores.to_vec(), -20.0)])
    }

    #[test]
    fn figures_are_those_counted_by_hand() {
        let labels = LabelSet::new(&["dog", "cat", "cow", "hen"]).unwrap();
        let clips = [
            twice(Some(0), &[0.9, 0.1, 0.0, 0.0]),
            twice(Some(0), &[0.2, 0.7, 0.1, 0.0]),
            twice(Some(1), &[0.1, 0.8, 0.0, 0.0]),
            twice(Some(2), &[0.5, 0.4, 0.1, 0.3]),
            // holds no class: neither right nor wrong
            twice(None, &[0.5, 0.4, 0.1, 0.3]),
        ];
        let figures = ClassificationFigures::new(&labels, &clips);
        assert_eq!((figures.clips, figures.windows), (4, 8));
        assert_eq!((figures.clip_accuracy, figures.window_accuracy), (0.5, 0.5));
        assert_eq!(figures.clip_top3_accuracy, 0.75);
        let dog = &figures.classes[0];
        assert_eq!((dog.precision, dog.recall, dog.f1), (Some(0.5), Some(0.5), Some(0.5)));
        let hen = &figures.classes[3];
        assert_eq!((hen.precision, hen.recall, hen.f1, hen.support), (None, None, None, 0));
        assert_eq!(figures.confusion[2], [1, 0, 0, 0]);
        assert_eq!(figures.window_confusion[0], [2, 2, 0, 0]);
        // the class without clips does not count; the one never given has a precision of nought
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        near(figures.macro_precision, (0.5 + 0.5 + 0.0) / 3.0);
        near(figures.macro_recall, (0.5 + 1.0 + 0.0) / 3.0);
        near(figures.macro_f1, (0.5 + 2.0 / 3.0) / 3.0);
    }

    #[test]
    fn the_quiet_end_of_a_clip_is_no_window_of_its_class() {
        let labels = LabelSet::new(&["dog", "cat"]).unwrap();
        let clips = [clip(Some(0), &[(vec![0.9, 0.1], -20.0), (vec![0.1, 0.9], -50.0)])];
        let figures = ClassificationFigures::new(&labels, &clips);
        assert_eq!((figures.windows, figures.window_accuracy), (1, 1.0));
    }

    #[test]
    fn nothing_measured_is_all_noughts() {
        let labels = LabelSet::new(&["dog"]).unwrap();
        let figures = ClassificationFigures::new(&labels, &[]);
        assert_eq!((figures.clips, figures.clip_accuracy, figures.macro_f1), (0, 0.0, 0.0));
    }

    #[test]
    fn wrong_recordings_are_listed_by_how_sure_the_model_was() {
        let labels = LabelSet::new(&["dog", "cat"]).unwrap();
        let of = |label, scores: [f32; 2]| clip(label, &[(scores.to_vec(), -20.0)]);
        let clips = [
            of(Some(0), [0.9, 0.1]),
            of(Some(0), [0.2, 0.6]),
            of(Some(1), [0.8, 0.1]),
            of(None, [0.8, 0.1]),
        ];
        let named: Vec<_> =
            ["a", "b", "c", "d"].map(String::from).into_iter().zip(&clips).collect();
        let found = mistakes(&labels, &named);
        let listed: Vec<_> =
            found.iter().map(|it| (&*it.recording, &*it.label, &*it.prediction)).collect();
        assert_eq!(listed, [("c", "cat", "dog"), ("b", "dog", "cat")]);
        assert_eq!((found[0].score, found[0].label_score), (0.8, 0.1));
    }
}
