//! A labelled set of recordings: what training and evaluation read. Opened by `open`, split by `split`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClipFault, Layout, audio_file};
use crate::domain::LabelSet;

/// A labelled set of recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name, for the model card: that of the published set, or of the folder or file.
    pub name: String,
    /// Its terms, for the model card.
    pub terms: String,
    /// How it is laid out.
    pub layout: Layout,
    /// All its labels, whether or not every clip was kept: in the order of their numbers where the set has numbers, by
    /// name otherwise.
    pub labels: LabelSet,
    /// The clips that were found, in the table's order, or by path.
    pub clips: Vec<DatasetClip>,
    /// Files that cannot be used: missing, empty, or mislabelled. What only shows when a file is decoded is found by
    /// whoever loads it.
    pub faults: Vec<ClipFault>,
}

/// One recording of a set, or one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetClip {
    /// The file.
    pub path: PathBuf,
    /// Index into the set's labels.
    pub label: usize,
    /// The official fold, where there is one.
    pub fold: Option<u32>,
    /// What it was cut from, where that is known: clips of one group are not independent of each other.
    pub group: Option<String>,
    /// The part of the file that is meant; none for all of it.
    pub span: Option<ClipSpan>,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClipSpan {
    /// From here, counted from the file's start.
    pub start: Duration,
    /// Up to here; none for the file's end.
    pub end: Option<Duration>,
}

impl DatasetClip {
    /// The file, the same however its path was written: `./a.wav` is `a.wav`.
    pub(in crate::offline) fn file(&self) -> PathBuf {
        audio_file::plain(&self.path)
    }
}

impl Dataset {
    /// How it was read and what is in it: `layout csv, 2 classes, 8 clips, no folds`.
    pub fn summary(&self) -> String {
        let count = |count: usize, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        let folds: Vec<String> = self.folds().iter().map(u32::to_string).collect();
        let folds = match folds.len() {
            0 => "no folds".to_owned(),
            1 => format!("fold {}", folds[0]),
            _ => format!("folds {}", folds.join(", ")),
        };
        let faulty = match self.faults.len() {
            0 => String::new(),
            some => format!(", {some} that cannot be used"),
        };
        format!(
            "layout {}, {}, {}{faulty}, {folds}",
            self.layout,
            count(self.labels.len(), "class", "classes"),
            count(self.clips.len(), "clip", "clips")
        )
    }

    /// The folds that its clips are in.
    pub fn folds(&self) -> BTreeSet<u32> {
        self.clips.iter().filter_map(|clip| clip.fold).collect()
    }

    /// The clips of some folds, in the set's order.
    pub fn clips_in(&self, folds: &[u32]) -> Vec<&DatasetClip> {
        let wanted = |clip: &&DatasetClip| clip.fold.is_some_and(|fold| folds.contains(&fold));
        self.clips.iter().filter(wanted).collect()
    }
}
