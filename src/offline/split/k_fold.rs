//! Cross-validation: every fold is measured on once, by a model that was not fitted to it. Read by the training command.

use serde::{Deserialize, Serialize};

use super::parts::Split;
use super::split_spec::{Dealt, Leak};
use super::{SplitError, SplitSpec};
use crate::offline::datasets::Dataset;

/// Folds without which there is nothing to fit, or nothing to measure on.
const MIN_FOLDS: usize = 2;

/// How a dataset is to be cross-validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KFoldSpec {
    /// How many folds to deal out where the set has none of its own; those it has are taken as they are.
    pub random_folds: usize,
    /// The same seed gives the same random folds.
    pub seed: u64,
    /// Whether random folds may part the clips of one source.
    pub leak: Leak,
}

/// One split a fold, in the order of the folds.
///
/// # Errors
/// [`SplitError`]: too few folds, clips of which only some have one, or what a split by folds can lack.
pub fn k_fold(dataset: &Dataset, spec: &KFoldSpec) -> Result<Vec<Split>, SplitError> {
    let official: Vec<u32> = dataset.folds().into_iter().collect();
    let found = if official.is_empty() { spec.random_folds } else { official.len() };
    if found < MIN_FOLDS {
        return Err(SplitError::TooFewFolds { found, needed: MIN_FOLDS });
    }
    if official.is_empty() {
        return random(dataset, spec);
    }
    let without = dataset.clips.iter().filter(|clip| clip.fold.is_none()).count();
    if without > 0 {
        return Err(SplitError::SomeWithoutFold { without, clips: dataset.clips.len() });
    }
    (0..official.len())
        .map(|turn| {
            let mut train = official.clone();
            let validation = vec![train.remove(turn)];
            SplitSpec::Folds { train, validation, test: Vec::new() }.split(dataset)
        })
        .collect()
}

fn random(dataset: &Dataset, spec: &KFoldSpec) -> Result<Vec<Split>, SplitError> {
    let folds = spec.random_folds;
    let shares = vec![1.0 / folds as f64; folds];
    let dealt = Dealt::new(dataset, &shares, spec.seed, spec.leak)?;
    (0..folds)
        .map(|turn| {
            let description =
                format!("random fold {} of {folds} held out, {}", turn + 1, dealt.words);
            let fold_of_clip = dealt.part_of_clip.iter();
            let parts: Vec<Option<usize>> =
                fold_of_clip.map(|&fold| Some(usize::from(fold == turn))).collect();
            Split::new(&parts, dealt.leaky, description).check(dataset)
        })
        .collect()
}
