//! A labelled set of recordings: what training and evaluation read. Made by one reader a layout.

use std::path::PathBuf;

use crate::domain::LabelSet;

/// A labelled set of recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name, for the model card.
    pub name: String,
    /// Its terms, for the model card.
    pub terms: String,
    /// All its labels, whether or not every clip was kept.
    pub labels: LabelSet,
    /// The clips kept.
    pub clips: Vec<DatasetClip>,
}

/// One recording of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetClip {
    /// The file.
    pub path: PathBuf,
    /// Index into the set's labels.
    pub label: usize,
    /// The official fold.
    pub fold: u32,
}

impl Dataset {
    /// The clips of some folds, in the set's order.
    pub fn folds(&self, folds: &[u32]) -> Vec<&DatasetClip> {
        self.clips.iter().filter(|clip| folds.contains(&clip.fold)).collect()
    }
}
