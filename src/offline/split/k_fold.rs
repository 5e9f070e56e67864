//! Cross-validation: every fold is measured on once, by a model that was not fitted to it. Read by the training command.

use serde::{Deserialize, Serialize};

use super::parts::Split;
use super::split_spec::{Dealt, Leak};
use super::{SplitError, SplitSpec};
use crate::offline::datasets::Dataset;

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
    /// What the fold that is held out is for.
    pub held_out: HeldOut,
}

/// What the fold that is held out is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldOut {
    /// To validate on, as most published figures do: the best epoch is chosen by the clips that are then measured on,
    /// which flatters a little.
    #[default]
    Validation,
    /// To test on; the next fold validates, and one fold less is fitted to. Nothing is chosen by what is measured on.
    Test,
}

/// One split a fold, in the order of the folds.
///
/// # Errors
/// [`SplitError`]: too few folds, clips of which only some have one, or what a split by folds can lack.
pub fn k_fold(dataset: &Dataset, spec: &KFoldSpec) -> Result<Vec<Split>, SplitError> {
    let needed = match spec.held_out {
        HeldOut::Validation => 2,
        HeldOut::Test => 3,
    };
    let official: Vec<u32> = dataset.folds().into_iter().collect();
    let found = if official.is_empty() { spec.random_folds } else { official.len() };
    if found < needed {
        return Err(SplitError::TooFewFolds { found, needed });
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
            let in_part = |wanted: usize| -> Vec<u32> {
                let folds = (0..official.len()).filter(|&it| part(it, turn, found, spec) == wanted);
                folds.map(|fold| official[fold]).collect()
            };
            let (train, validation, test) = (in_part(0), in_part(1), in_part(2));
            SplitSpec::Folds { train, validation, test }.split(dataset)
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
                fold_of_clip.map(|&fold| Some(part(fold, turn, folds, spec))).collect();
            Split::new(&parts, dealt.leaky, description).check(dataset)
        })
        .collect()
}

/// What `fold` is used for when it is the turn of another, or its own: 0 to fit, 1 to validate, 2 to test on.
fn part(fold: usize, turn: usize, folds: usize, spec: &KFoldSpec) -> usize {
    match spec.held_out {
        HeldOut::Validation => usize::from(fold == turn),
        HeldOut::Test if fold == turn => 2,
        HeldOut::Test => usize::from(fold == (turn + 1) % folds),
    }
}
