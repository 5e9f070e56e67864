//! Why a dataset cannot be split as asked. Made by the splits, printed by commands before anything is computed.

use std::collections::BTreeSet;
use std::fmt::Display;

/// A split that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Folds were named, and the set has none.
    #[error("the dataset has no folds; split it at random")]
    NoFolds,
    /// A fold that no clip is in.
    #[error("there is no clip in fold {fold}; the dataset has folds {}", join(present))]
    AbsentFold {
        /// The fold that was named.
        fold: u32,
        /// The folds there are.
        present: BTreeSet<u32>,
    },
    /// A fold on two sides.
    #[error("fold {fold} is to be {first} and {second}; what was fitted cannot be measured on")]
    SharedFold {
        /// The fold.
        fold: u32,
        /// One use of it.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A share that leaves one side nothing.
    #[error(
        "shares of {validation} for validation and {test} for test; each must be 0 or more, the first above 0, and their sum below 1"
    )]
    Share {
        /// To validate on.
        validation: f64,
        /// To test on.
        test: f64,
    },
    /// Shares that do not make a whole.
    #[error("shares of {}; each must be above 0, and their sum 1", join(shares))]
    Shares {
        /// As given.
        shares: Vec<f64>,
    },
    /// Fewer sources than parts, or all of them large.
    #[error(
        "{sources} sources for {parts} parts leave one without a recording; add recordings of other sources, or name a \
         column that tells them apart"
    )]
    FewSources {
        /// Sources there are.
        sources: usize,
        /// Parts there are to be.
        parts: usize,
    },
    /// A part without a clip.
    #[error("no clip is left for {part}; choose more folds, or a larger share")]
    EmptyPart {
        /// Which part.
        part: &'static str,
    },
    /// Classes that a part has no clip of.
    #[error(
        "no clip for {part} of {}: such a class can neither be learnt nor measured. Choose other folds or another \
         seed, add recordings, or leave the class out",
        quoted(classes)
    )]
    ClassesAbsent {
        /// Which part.
        part: &'static str,
        /// The classes.
        classes: Vec<String>,
    },
    /// Classes with fewer sources than parts.
    #[error(
        "too few recordings: {}; each class needs {parts} of them that are independent of each other, one for each \
         part. Add recordings, or leave the class out",
        counted(classes)
    )]
    TooFewSources {
        /// Each class, its clips, and its independent sources.
        classes: Vec<(String, usize, usize)>,
        /// Parts there are to be.
        parts: usize,
    },
    /// Fewer folds than cross-validation needs.
    #[error("cross-validation over {found} folds; it needs at least {needed}")]
    TooFewFolds {
        /// The folds there are, or that were asked for.
        found: usize,
        /// With a part to validate and a part to test, one more.
        needed: usize,
    },
    /// Some clips have a fold, others have none.
    #[error("{without} of {clips} clips have no fold; give all of them one, or none")]
    SomeWithoutFold {
        /// Clips without a fold.
        without: usize,
        /// All clips.
        clips: usize,
    },
}

/// `1, 2, 3`.
pub(super) fn join<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn quoted(classes: &[String]) -> String {
    join(classes.iter().map(|class| format!("{class:?}")))
}

fn counted(classes: &[(String, usize, usize)]) -> String {
    join(classes.iter().map(|(class, clips, sources)| match (clips, sources) {
        (0, _) => format!("{class:?} has no clip"),
        (1, _) => format!("{class:?} has one clip"),
        (clips, 1) => format!("{class:?} has {clips} clips, all of one source"),
        (clips, sources) if clips == sources => format!("{class:?} has {clips} clips"),
        (clips, sources) => format!("{class:?} has {clips} clips of {sources} sources"),
    }))
}
