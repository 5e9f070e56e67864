//! What can be wrong with a value of this layer. Built by the constructors here, printed by whoever read the value.

/// A value that breaks one of this layer's invariants.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// A rate no recorder or model uses, most often a byte-order or unit mistake.
    #[error(
        "sample rate is {found} Hz; it must be between {min} and {max} Hz",
        min = super::SampleRate::MIN_HZ,
        max = super::SampleRate::MAX_HZ
    )]
    SampleRate {
        /// The rate that was given, in Hz.
        found: u32,
    },
    /// A label set without labels.
    #[error("the label set is empty; a classifier needs at least one label")]
    NoLabels,
    /// More labels than any classifier has.
    #[error("there are {found} labels; at most {} are read", super::LabelSet::MAX_LABELS)]
    TooManyLabels {
        /// How many there are.
        found: usize,
    },
    /// A label that is blank, too long, or has a line break or other control character in it.
    #[error(
        "label {index} is {label:?}; labels must be visible text on one line, of at most {} bytes",
        super::LabelSet::MAX_LABEL_BYTES
    )]
    BadLabel {
        /// Zero-based position of the label.
        index: usize,
        /// The label as given, its beginning.
        label: String,
    },
    /// The same label twice.
    #[error("label {label:?} stands at positions {first} and {second}; labels must be unique")]
    RepeatedLabel {
        /// The label that is there twice.
        label: String,
        /// Zero-based position of its first occurrence.
        first: usize,
        /// Zero-based position of its second occurrence.
        second: usize,
    },
}
