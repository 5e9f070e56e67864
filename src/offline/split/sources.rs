//! Which clips come from the same source, and sources dealt out to parts so that every class is spread as its shares say. Used by the splits, so that none is fitted to one half of a recording and
//! measured on the other.

use std::collections::HashMap;
use std::path::PathBuf;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

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

/// One source: the indices of its clips, and how many of them each class has.
pub(super) struct Source {
    pub(super) clips: Vec<usize>,
    /// Class and clips of it; classes that it has none of are left out.
    pub(super) classes: Vec<(usize, usize)>,
}

/// Deals whole sources out: gives the part of each. The same seed gives the same parts.
///
/// In random order, the largest first, each source goes to the part whose classes it brings closest to their shares: the
/// one where the sum over classes of (clips − wanted)² / wanted, Pearson's χ², falls most. Every part wants at least one
/// clip of each class. Among equals the part that is furthest behind gets it.
///
/// # Shapes
/// `shares`: `[parts]`, of sum 1; the answer: `[sources]`.
pub(super) fn allot(sources: &[Source], labels: usize, shares: &[f64], seed: u64) -> Vec<usize> {
    let mut totals = vec![0usize; labels];
    for &(class, clips) in sources.iter().flat_map(|source| &source.classes) {
        totals[class] += clips;
    }
    let wanted = |part: usize, class: usize| (shares[part] * totals[class] as f64).max(1.0);
    let mut order: Vec<usize> = (0..sources.len()).collect();
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    order.shuffle(&mut random);
    order.sort_by_key(|&source| std::cmp::Reverse(sources[source].clips.len()));
    let mut counts = vec![vec![0.0f64; labels]; shares.len()];
    let mut filled = vec![0.0f64; shares.len()];
    let mut parts = vec![0; sources.len()];
    for source in order {
        let rise = |part: usize| -> f64 {
            let of_class = |&(class, clips): &(usize, usize)| {
                let (clips, wanted) = (clips as f64, wanted(part, class));
                clips * (2.0 * (counts[part][class] - wanted) + clips) / wanted
            };
            sources[source].classes.iter().map(of_class).sum()
        };
        // ties are broken at random last, or the first part would have all that is left over
        let ranks = (0..shares.len())
            .map(|part| (part, rise(part), filled[part] / shares[part], random.random()));
        let best = ranks.min_by(|a: &(usize, f64, f64, f64), b| {
            a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)).then(a.3.total_cmp(&b.3))
        });
        let part = best.map_or(0, |(part, ..)| part);
        for &(class, clips) in &sources[source].classes {
            counts[part][class] += clips as f64;
        }
        filled[part] += sources[source].clips.len() as f64;
        parts[source] = part;
    }
    parts
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
