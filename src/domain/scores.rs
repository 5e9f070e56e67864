//! What a scorer says of one window. Filled by a scorer, read by the smoother.

/// One score per label, each between 0 and 1, in the order of the label set.
///
/// # Shapes
/// `[labels]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores(pub Vec<f32>);

impl Scores {
    /// Zero for each of `labels` labels.
    pub fn zeros(labels: usize) -> Self {
        Self(vec![0.0; labels])
    }

    /// Output and score of the best label; the first of equals.
    pub fn best(&self) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (index, &score) in self.0.iter().enumerate() {
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((index, score));
            }
        }
        best
    }
}
