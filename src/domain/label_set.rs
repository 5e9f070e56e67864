//! The labels of a model, in the order of its outputs, and a score for each. Read from a bundle; scores and records refer to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{DomainError, is_steering};

/// Distinct labels in the order of the network's outputs; cheap to clone.
///
/// ```
/// use tympan::domain::LabelSet;
///
/// let labels = LabelSet::new(&["dog", "siren"])?;
/// assert_eq!(labels.index_of("siren"), Some(1));
/// assert!(LabelSet::new(&["dog", "dog"]).is_err(), "labels differ from each other");
/// # Ok::<(), tympan::domain::DomainError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct LabelSet(Arc<[Arc<str>]>);

impl LabelSet {
    /// Eight times those of the largest common set of sounds, AudioSet with 527: what asks for more is a mistake.
    pub const MAX_LABELS: usize = 4_096;
    /// The longest name of a folder, which a label may come from; every record repeats it.
    pub const MAX_LABEL_BYTES: usize = 255;

    /// Checks that the labels are visible, short, distinct, at least one and at most [`Self::MAX_LABELS`].
    ///
    /// # Errors
    /// [`DomainError::NoLabels`], [`DomainError::TooManyLabels`], [`DomainError::BadLabel`] or [`DomainError::RepeatedLabel`].
    pub fn new<S: AsRef<str>>(labels: &[S]) -> Result<Self, DomainError> {
        if labels.is_empty() {
            return Err(DomainError::NoLabels);
        }
        if labels.len() > Self::MAX_LABELS {
            return Err(DomainError::TooManyLabels { found: labels.len() });
        }
        let mut seen = std::collections::HashMap::new();
        for (index, label) in labels.iter().enumerate() {
            let label = label.as_ref();
            let visible = !label.trim().is_empty() && !label.chars().any(is_steering);
            if !visible || label.len() > Self::MAX_LABEL_BYTES {
                let shown = label.chars().take(40).collect();
                return Err(DomainError::BadLabel { index, label: shown });
            }
            if let Some(first) = seen.insert(label, index) {
                return Err(DomainError::RepeatedLabel {
                    label: label.to_owned(),
                    first,
                    second: index,
                });
            }
        }
        Ok(Self(labels.iter().map(|label| Arc::from(label.as_ref())).collect()))
    }

    /// How many labels there are; never zero.
    #[expect(clippy::len_without_is_empty, reason = "a label set is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The label of output `index`.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn label(&self, index: usize) -> &Arc<str> {
        &self.0[index]
    }

    /// The output whose label is `label`.
    pub fn index_of(&self, label: &str) -> Option<usize> {
        self.0.iter().position(|known| &**known == label)
    }

    /// The labels in output order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.0.iter()
    }
}

impl TryFrom<Vec<String>> for LabelSet {
    type Error = DomainError;

    fn try_from(labels: Vec<String>) -> Result<Self, DomainError> {
        Self::new(&labels)
    }
}

impl From<LabelSet> for Vec<String> {
    fn from(labels: LabelSet) -> Self {
        labels.iter().map(ToString::to_string).collect()
    }
}

/// What a scorer says of one window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// One score per label, each between 0 and 1, in the order of the label set: `[labels]`.
    pub values: Vec<f32>,
    /// What the verifier alone gave, where a model has one and it looked at the window: `[labels]`, otherwise empty.
    pub verified: Vec<f32>,
}

impl Scores {
    /// Zero for each of `labels` labels.
    pub fn zeros(labels: usize) -> Self {
        Self { values: vec![0.0; labels], verified: Vec::new() }
    }

    /// Output and score of the best label; the first of equals.
    pub fn best(&self) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (index, &score) in self.values.iter().enumerate() {
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((index, score));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_label_is_named_with_both_places() {
        let error = LabelSet::new(&["dog", "cat", "dog"]).unwrap_err();
        assert!(error.to_string().contains("positions 0 and 2"), "{error}");
    }

    #[test]
    fn blank_and_empty_sets_are_refused() {
        assert_eq!(LabelSet::new::<&str>(&[]), Err(DomainError::NoLabels));
        assert!(LabelSet::new(&["dog", " "]).is_err());
        assert!(LabelSet::new(&["dog\n"]).is_err());
    }
}
