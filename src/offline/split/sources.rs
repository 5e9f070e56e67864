//! Which clips come from the same source. Used by the splits, so that none is fitted to one half of a recording and
//! measured on the other.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::offline::datasets::DatasetClip;

/// The source of each clip, numbered from 0 in the order in which they appear.
///
/// Clips of one group, and parts of one file, are of one source, and so is whatever is linked through either. A clip
/// without a group is a source of its own.
///
/// # Shapes
/// `clips` and the answer: `[clips]`.
pub(super) fn sources_of(clips: &[DatasetClip]) -> Vec<usize> {
    // a forest: each clip points to an earlier one of its source, or to itself
    let mut earlier: Vec<usize> = (0..clips.len()).collect();
    let mut files: HashMap<PathBuf, usize> = HashMap::new();
    let mut groups: HashMap<&str, usize> = HashMap::new();
    for (index, clip) in clips.iter().enumerate() {
        let same_file = *files.entry(clip.file()).or_insert(index);
        join(&mut earlier, index, same_file);
        if let Some(group) = &clip.group {
            let same_group = *groups.entry(group).or_insert(index);
            join(&mut earlier, index, same_group);
        }
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    (0..clips.len())
        .map(|index| {
            let next = numbers.len();
            *numbers.entry(root(&mut earlier, index)).or_insert(next)
        })
        .collect()
}

fn join(earlier: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(earlier, one), root(earlier, other));
    earlier[one.max(other)] = one.min(other);
}

fn root(earlier: &mut [usize], mut index: usize) -> usize {
    while earlier[index] != index {
        // half of the way is left for the next time
        earlier[index] = earlier[earlier[index]];
        index = earlier[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(path: &str, group: Option<&str>) -> DatasetClip {
        let group = group.map(str::to_owned);
        DatasetClip { path: path.into(), label: 0, fold: None, group, span: None }
    }

    #[test]
    fn clips_that_share_a_group_or_a_file_are_of_one_source() {
        let clips = [
            clip("a", Some("1")),
            clip("b", None),
            clip("c", Some("2")),
            clip("b", None),
            clip("d", Some("1")),
            // links the groups 1 and 2
            clip("./c", Some("1")),
            clip("e", None),
        ];
        assert_eq!(sources_of(&clips), [0, 1, 0, 1, 0, 0, 2]);
    }
}
