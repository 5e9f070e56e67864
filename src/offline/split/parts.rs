//! A split: the clips to fit, to validate and to test on, checked. Made by the split's specs; read by commands.

use std::collections::HashSet;

use super::SplitError;
use super::sources::sources_of;
use crate::offline::datasets::Dataset;

/// Which clips of a dataset are used for what; no clip for two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices of the clips that weights are fitted to, rising.
    pub train: Vec<usize>,
    /// Indices of the clips that the best epoch and the thresholds are chosen by.
    pub validation: Vec<usize>,
    /// Indices of the clips that nothing is chosen by; may be empty.
    pub test: Vec<usize>,
    /// Whether parts of one recording may be on two sides: then figures say how well recordings are remembered, and
    /// every report has to say so on top.
    pub leaky: bool,
    /// How it was made, in words for the report and the model card.
    pub description: String,
}

/// What clips are used for, in words, in the order of a split's fields.
pub(super) const PARTS: [&str; 3] = ["training", "validation", "test"];

impl Split {
    /// Sorts clips into parts: 0 to fit, 1 to validate, 2 to test on; those without a part are left out.
    pub(super) fn new(part_of_clip: &[Option<usize>], leaky: bool, description: String) -> Self {
        let part = |wanted: usize| -> Vec<usize> {
            let clips = part_of_clip.iter().enumerate();
            clips.filter(|(_, part)| **part == Some(wanted)).map(|(index, _)| index).collect()
        };
        Self { train: part(0), validation: part(1), test: part(2), leaky, description }
    }

    fn parts(&self) -> [&Vec<usize>; 3] {
        [&self.train, &self.validation, &self.test]
    }

    /// That there is something to fit and to validate on, and every class in every part that is there.
    pub(super) fn check(self, dataset: &Dataset) -> Result<Self, SplitError> {
        for (part, clips) in PARTS.into_iter().zip(self.parts()) {
            if clips.is_empty() {
                if part == "test" {
                    continue;
                }
                return Err(SplitError::EmptyPart { part });
            }
            let present: HashSet<usize> =
                clips.iter().map(|&index| dataset.clips[index].label).collect();
            let absent = dataset.labels.iter().enumerate();
            let classes: Vec<String> = absent
                .filter(|(label, _)| !present.contains(label))
                .map(|(_, name)| name.to_string())
                .collect();
            if !classes.is_empty() {
                return Err(SplitError::ClassesAbsent { part, classes });
            }
        }
        Ok(self)
    }

    /// The same split of the clips that turned out usable.
    ///
    /// # Errors
    /// [`SplitError`] when they leave a part, or a class in a part, with nothing.
    pub fn of_usable(
        mut self,
        dataset: &Dataset,
        is_usable: impl Fn(usize) -> bool,
    ) -> Result<Self, SplitError> {
        for part in [&mut self.train, &mut self.validation, &mut self.test] {
            part.retain(|&clip| is_usable(clip));
        }
        self.check(dataset)
    }

    /// How many sources have clips in more than one part.
    pub(super) fn shared_sources(&self, dataset: &Dataset) -> usize {
        let sources = sources_of(&dataset.clips);
        let in_part = self
            .parts()
            .map(|part| part.iter().map(|&index| sources[index]).collect::<HashSet<usize>>());
        let all: HashSet<usize> = in_part.iter().flatten().copied().collect();
        let parts_of = |source: &usize| in_part.iter().filter(|part| part.contains(source)).count();
        all.iter().filter(|source| parts_of(source) > 1).count()
    }
}
