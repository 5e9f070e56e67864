//! The recordings whose prediction is wrong: where a model fails, and where labels do. Listed by `eval`.

use serde::Serialize;

use super::ClipScores;
use super::metrics::best_of;
use crate::domain::LabelSet;

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
