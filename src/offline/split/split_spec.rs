//! How a dataset is to be split: by its folds, at random, or so that every fold is measured on once, by a model that was not
//! fitted to it. Set by commands; makes a split or says why there is none.

use serde::{Deserialize, Serialize};

use super::SplitError;
use super::error::join;
use super::parts::{PARTS, Split};
use super::sources::{Source, allot, sources_of};
use crate::offline::datasets::{Dataset, DatasetClip, Layout};

/// How a dataset is to be split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum SplitSpec {
    /// By the folds of the set; clips of folds that are not named are left out.
    ///
    /// The folds of a published set are taken as they are, so that figures can be compared; where they put parts of one
    /// recording on two sides the description says how many. The folds of a CSV that do so make the split leaky.
    Folds {
        /// To fit.
        train: Vec<u32>,
        /// To choose the best epoch and the thresholds by.
        validation: Vec<u32>,
        /// To test on; may be empty.
        #[serde(default)]
        test: Vec<u32>,
    },
    /// At random, each class by these shares as well as sources can be dealt out whole.
    Random {
        /// Share of the clips to choose the best epoch and the thresholds by, such as 0.2.
        validation_share: f64,
        /// Share of the clips to test on; may be 0.
        #[serde(default)]
        test_share: f64,
        /// The same seed gives the same split.
        seed: u64,
        /// Whether clips of one source may be parted.
        #[serde(default)]
        leak: Leak,
    },
}

/// Whether clips of one source may be parted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leak {
    /// Clips of one source, which are those of one group and the parts of one file, stay together. Where a set says
    /// nothing of groups each file is a source.
    #[default]
    Forbidden,
    /// Each clip goes its own way, as in many notebooks. The split is leaky if any source has more than one clip.
    Allowed,
}

impl SplitSpec {
    /// Splits a dataset.
    ///
    /// # Errors
    /// [`SplitError`]: folds that are not there or on two sides, shares that leave nothing, classes that are missing from
    /// a part or have too few sources for all parts.
    pub fn split(&self, dataset: &Dataset) -> Result<Split, SplitError> {
        match self {
            Self::Folds { train, validation, test } => {
                by_folds(dataset, [train, validation, test])?.check(dataset)
            }
            Self::Random { validation_share, test_share, seed, leak } => {
                let (validation, test) = (*validation_share, *test_share);
                if !(validation > 0.0 && test >= 0.0 && validation + test < 1.0) {
                    return Err(SplitError::Share { validation, test });
                }
                let mut shares = vec![1.0 - validation - test, validation, test];
                if test == 0.0 {
                    shares.pop();
                }
                let dealt = Dealt::new(dataset, &shares, *seed, *leak)?;
                let shares = PARTS
                    .iter()
                    .zip(&shares)
                    .map(|(part, share)| format!("{:.0} % {part}", share * 100.0));
                let description = format!("random split into {}, {}", join(shares), dealt.words);
                let parts: Vec<Option<usize>> = dealt.part_of_clip.into_iter().map(Some).collect();
                Split::new(&parts, dealt.leaky, description).check(dataset)
            }
        }
    }
}

fn by_folds(dataset: &Dataset, folds: [&Vec<u32>; 3]) -> Result<Split, SplitError> {
    let present = dataset.folds();
    if present.is_empty() {
        return Err(SplitError::NoFolds);
    }
    let named: Vec<(u32, usize)> = folds
        .iter()
        .enumerate()
        .flat_map(|(part, folds)| folds.iter().map(move |&fold| (fold, part)))
        .collect();
    for &(fold, part) in &named {
        if !present.contains(&fold) {
            return Err(SplitError::AbsentFold { fold, present });
        }
        if let Some(&(_, other)) = named.iter().find(|&&(it, other)| it == fold && other != part) {
            let (first, second) = (PARTS[part.min(other)], PARTS[part.max(other)]);
            return Err(SplitError::SharedFold { fold, first, second });
        }
    }
    let part_of = |clip: &DatasetClip| {
        let fold = clip.fold?;
        named.iter().find(|&&(named, _)| named == fold).map(|&(_, part)| part)
    };
    let parts: Vec<Option<usize>> = dataset.clips.iter().map(part_of).collect();
    let words = PARTS
        .iter()
        .zip(folds)
        .filter(|(_, folds)| !folds.is_empty())
        .map(|(part, folds)| format!("{part} on {}", join(folds)));
    let mut split = Split::new(&parts, false, format!("folds: {}", join(words)));
    let shared = split.shared_sources(dataset);
    if shared > 0 {
        split.leaky = dataset.layout == Layout::Csv;
        split.description += &format!("; {shared} sources have clips in more than one part");
        if !split.leaky {
            split.description += ", as published";
        }
    }
    Ok(split)
}

/// Clips dealt out at random.
pub(super) struct Dealt {
    pub(super) part_of_clip: Vec<usize>,
    pub(super) leaky: bool,
    /// How, in words.
    pub(super) words: String,
}

impl Dealt {
    /// Deals the clips out, in whole sources unless leaks are allowed.
    pub(super) fn new(
        dataset: &Dataset,
        shares: &[f64],
        seed: u64,
        leak: Leak,
    ) -> Result<Self, SplitError> {
        let clips = &dataset.clips;
        let known = sources_of(clips);
        let several = known.iter().max().is_some_and(|&last| last + 1 < clips.len());
        let source_of_clip = match leak {
            Leak::Forbidden => known,
            Leak::Allowed => (0..clips.len()).collect(),
        };
        let sources = gather(clips, &source_of_clip);
        check_classes(dataset, &sources, shares.len())?;
        let part_of_source = allot(&sources, dataset.labels.len(), shares, seed);
        let leaky = several && leak == Leak::Allowed;
        let how = match (leaky, several) {
            (true, _) => "each clip by itself, so that parts of one recording are on both sides",
            (false, true) => "clips of one source together",
            (false, false) => "each file a source of its own",
        };
        Ok(Self {
            part_of_clip: source_of_clip.iter().map(|&source| part_of_source[source]).collect(),
            leaky,
            words: format!("{how}, seed {seed}"),
        })
    }
}

pub(super) fn gather(clips: &[DatasetClip], source_of_clip: &[usize]) -> Vec<Source> {
    let count = source_of_clip.iter().max().map_or(0, |last| last + 1);
    let mut sources: Vec<Source> =
        (0..count).map(|_| Source { clips: Vec::new(), classes: Vec::new() }).collect();
    for (index, &source) in source_of_clip.iter().enumerate() {
        let Source { clips: members, classes } = &mut sources[source];
        members.push(index);
        let label = clips[index].label;
        match classes.iter_mut().find(|(class, _)| *class == label) {
            Some((_, clips)) => *clips += 1,
            None => classes.push((label, 1)),
        }
    }
    sources
}

/// That every class has a source for every part.
fn check_classes(dataset: &Dataset, sources: &[Source], parts: usize) -> Result<(), SplitError> {
    let of_class = |class: usize| {
        let own = sources.iter().flat_map(|source| &source.classes).filter(|it| it.0 == class);
        own.fold((0, 0), |(clips, sources), &(_, more)| (clips + more, sources + 1))
    };
    let counted = dataset.labels.iter().enumerate().map(|(class, name)| {
        let (clips, sources) = of_class(class);
        (name.to_string(), clips, sources)
    });
    let classes: Vec<_> = counted.filter(|&(_, _, sources)| sources < parts).collect();
    if classes.is_empty() { Ok(()) } else { Err(SplitError::TooFewSources { classes, parts }) }
}

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
