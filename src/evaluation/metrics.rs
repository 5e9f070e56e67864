//! Figures made of clip scores: accuracy, and precision, recall and F1 of each class. Pure.

use serde::Serialize;

use super::ClipScores;
use crate::domain::{LabelSet, Scores};

/// How well clips are told apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationFigures {
    /// Clips measured.
    pub clips: usize,
    /// Share of clips whose best label, by the mean over the windows that carry it, is right.
    pub clip_accuracy: f64,
    /// Share of clips whose label is among the best three.
    pub clip_top3_accuracy: f64,
    /// Windows measured: those that carry their clip's label.
    pub windows: usize,
    /// Share of them whose best label is right.
    pub window_accuracy: f64,
    /// Mean F1 of the classes that have clips.
    pub macro_f1: f64,
    /// Each class, in the order of the labels.
    pub classes: Vec<ClassFigures>,
    /// `confusion[truth][prediction]`: clips.
    pub confusion: Vec<Vec<usize>>,
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
        let (mut right, mut among_three, mut windows, mut windows_right) = (0, 0, 0, 0);
        for clip in clips {
            let mean = clip.mean();
            let Some((best, _)) = Scores(mean.clone()).best() else { continue };
            confusion[clip.label][best] += 1;
            right += usize::from(best == clip.label);
            let better = mean.iter().filter(|score| **score > mean[clip.label]).count();
            among_three += usize::from(better < 3);
            for window in clip.labelled() {
                windows += 1;
                let best = Scores(window.scores.clone()).best().map(|(label, _)| label);
                windows_right += usize::from(best == Some(clip.label));
            }
        }
        let classes: Vec<ClassFigures> = labels
            .iter()
            .enumerate()
            .map(|(label, name)| class_figures(name, label, &confusion))
            .collect();
        let f1: Vec<f64> = classes.iter().filter_map(|class| class.f1).collect();
        let counted: usize = confusion.iter().flatten().sum();
        Self {
            clips: counted,
            clip_accuracy: share(right, counted).unwrap_or(0.0),
            clip_top3_accuracy: share(among_three, counted).unwrap_or(0.0),
            windows,
            window_accuracy: share(windows_right, windows).unwrap_or(0.0),
            macro_f1: f1.iter().sum::<f64>() / f1.len().max(1) as f64,
            classes,
            confusion,
        }
    }
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

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::WindowScore;

    fn clip(label: usize, scores: &[f32]) -> ClipScores {
        let window = WindowScore { scores: scores.to_vec(), level_dbfs: -20.0 };
        ClipScores { label, windows: vec![window; 2] }
    }

    #[test]
    fn figures_are_those_counted_by_hand() {
        let labels = LabelSet::new(&["dog", "cat", "cow", "hen"]).unwrap();
        let clips = [
            clip(0, &[0.9, 0.1, 0.0, 0.0]),
            clip(0, &[0.2, 0.7, 0.1, 0.0]),
            clip(1, &[0.1, 0.8, 0.0, 0.0]),
            clip(2, &[0.5, 0.4, 0.1, 0.3]),
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
        // (0.5 + 2/3 + 0) / 3: the class without clips does not count
        assert!((figures.macro_f1 - (0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    }
}
