//! Sources dealt out to parts so that every class is spread as its shares say. Used by random splits and by k-fold.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

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
        // equals are told apart by chance last, or the first part would have all that is left over
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
