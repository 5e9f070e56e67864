//! What can be wrong with the wishes for a detector. Found by `DetectorSpec::new`, all at once; printed by whoever read
//! the wishes, who also knows the line each key stands on; main thread.

use std::time::Duration;

use super::DetectorSpec;

/// A setting that cannot be met. [`key`](Self::key) says which one; the text goes on where the key ends.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorFault {
    /// A threshold that every score reaches, or none.
    #[error(
        "is {found}; it must be above 0 and below 1. {} it, or delete the line to use the model's own{}.",
        if *.found >= 1.0 { "Lower" } else { "Raise" }, own_text(*.own)
    )]
    Threshold {
        /// The key that sets it.
        key: String,
        /// As set.
        found: f32,
        /// Lowest and highest of the model's own, where a model is known.
        own: Option<(f32, f32)>,
    },
    /// An event would end with the window that began it.
    #[error(
        "is {off}, above the threshold of {on} that begins an event{}. Set it to {on} or less, or delete the line.",
        .on_key.as_ref().map_or_else(|| " (the model's own)".into(), |key| format!(" ({key})"))
    )]
    OffAboveOn {
        /// The key that sets `off`.
        key: String,
        /// The key that sets `on`, unless it is the model's own.
        on_key: Option<String>,
        /// The threshold that ends an event.
        off: f32,
        /// The threshold that begins it.
        on: f32,
    },
    /// The model's own thresholds cannot work, and nothing overrides them.
    #[error(
        "is needed: the model's own thresholds for this label, on {on} and off {off}, cannot work (0 < off <= on < 1). \
         Set both here, or train the model again."
    )]
    ModelThresholds {
        /// The key that would override it.
        key: String,
        /// The model's `on`.
        on: f32,
        /// The model's `off`.
        off: f32,
    },
    /// The model brings thresholds for another number of labels than it has.
    #[error(
        "cannot be settled: the model has {labels} labels and {thresholds} pairs of thresholds. Fetch or train the \
         model again."
    )]
    ThresholdCount {
        /// Labels of the model.
        labels: usize,
        /// Pairs of thresholds it brought.
        thresholds: usize,
    },
    /// A label that the model does not know.
    #[error(
        "names {label:?}, which is not one of this model's {labels} labels{}",
        .nearest.as_ref().map_or_else(|| ".".into(), |near| format!("; did you mean {near:?}?"))
    )]
    UnknownLabel {
        /// The key it stands in.
        key: String,
        /// As written.
        label: String,
        /// The known label most like it, if any is.
        nearest: Option<String>,
        /// How many labels the model has.
        labels: usize,
    },
    /// Every label is denied, or none of the allowed ones is left.
    #[error("leaves no label that could become an event. Take at least one label out of it.")]
    NothingAllowed,
    /// More windows asked for than are looked at.
    #[error(
        "is {windows}, but only the last {of} are looked at (detector.confirm.of); nothing could ever be confirmed. \
         Lower it to {of} or less."
    )]
    ConfirmNever {
        /// Windows that must agree.
        windows: usize,
        /// Windows that are looked at.
        of: usize,
    },
    /// No window, or absurdly many.
    #[error("is {found}; it must be from 1 to {}.", DetectorSpec::MAX_CONFIRM)]
    ConfirmRange {
        /// Which of the two counts.
        key: &'static str,
        /// As set.
        found: usize,
    },
    /// An event would reach its maximum length before it is confirmed.
    #[error(
        "is {of}; that many windows take {} s, longer than an event may last ({} s, detector.max_event_s). Lower it, \
         or raise detector.max_event_s.",
        .takes.as_secs_f64(), .max_event.as_secs_f64()
    )]
    ConfirmTooLong {
        /// Windows that are looked at.
        of: usize,
        /// How long they take.
        takes: Duration,
        /// The maximum length.
        max_event: Duration,
    },
    /// The least length is above the greatest.
    #[error(
        "is {}, longer than an event may last ({} s, detector.max_event_s). Lower it, or raise detector.max_event_s.",
        .min_event.as_millis(), .max_event.as_secs_f64()
    )]
    MinAboveMax {
        /// The least length.
        min_event: Duration,
        /// The greatest length.
        max_event: Duration,
    },
    /// Events without length.
    #[error("is 0; an event would be over before it begins. Raise it.")]
    MaxEventZero,
    /// A level that nothing reaches, or no level.
    #[error(
        "is {found}; it must be at least -120 (nothing is too quiet) and below 0 (full scale). -70 is usual."
    )]
    Level {
        /// As set.
        found: f32,
    },
}

impl DetectorFault {
    /// The key the fault is about: `detector.confirm.of`, `detector.labels.dog.threshold`.
    pub fn key(&self) -> &str {
        match self {
            Self::Threshold { key, .. }
            | Self::OffAboveOn { key, .. }
            | Self::ModelThresholds { key, .. }
            | Self::UnknownLabel { key, .. } => key,
            Self::ThresholdCount { .. } => "detector.threshold",
            Self::NothingAllowed => "detector.deny",
            Self::ConfirmNever { .. } => "detector.confirm.windows",
            Self::ConfirmRange { key, .. } => key,
            Self::ConfirmTooLong { .. } => "detector.confirm.of",
            Self::MinAboveMax { .. } => "detector.min_event_ms",
            Self::MaxEventZero => "detector.max_event_s",
            Self::Level { .. } => "detector.min_level_dbfs",
        }
    }

    /// The other key that could be changed instead, where two contradict each other.
    pub fn other_key(&self) -> Option<&str> {
        match self {
            Self::OffAboveOn { on_key, .. } => on_key.as_deref(),
            Self::NothingAllowed => Some("detector.allow"),
            Self::ConfirmNever { .. } => Some("detector.confirm.of"),
            Self::ConfirmTooLong { .. } | Self::MinAboveMax { .. } => Some("detector.max_event_s"),
            _ => None,
        }
    }
}

fn own_text(own: Option<(f32, f32)>) -> String {
    match own {
        None => String::new(),
        Some((low, high)) if low == high => format!(" {low}"),
        Some((low, high)) => format!(" ({low} to {high})"),
    }
}
