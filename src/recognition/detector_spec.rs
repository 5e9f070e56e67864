//! The rules of detection, checked. Made from a model's traits and a configuration's wishes, followed by the detector;
//! made on the main thread, read on the classify thread.

use std::time::Duration;

use super::{DetectorFault, DetectorSettings, ModelTraits, ThresholdChange, Thresholds};
use crate::domain::{LabelSet, nearest};

/// Rules that can be followed, for the labels of one model; immutable.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorSpec {
    labels: LabelSet,
    thresholds: Vec<Thresholds>,
    allowed: Vec<bool>,
    settings: DetectorSettings,
}

impl DetectorSpec {
    /// The most windows a confirmation may look back at; 1000 of 80 ms are 80 s, and each costs four bytes a label.
    pub const MAX_CONFIRM: usize = 1000;

    /// Checks `settings` against each other and against `model`.
    ///
    /// A threshold is, in this order: the one set for the label, the one set for every label, the model's own. Where
    /// only `on` is set, `off` keeps the model's proportion to it; an `off` set for every label is lowered to `on`
    /// where a label's `on` lies below it.
    ///
    /// # Errors
    /// Every [`DetectorFault`] there is, in the order of the settings: thresholds that no score reaches or every score
    /// does, labels the model does not have, no label left, confirmations that cannot come or come too late, lengths
    /// that contradict each other, a level nothing reaches.
    pub fn new(
        model: &ModelTraits,
        settings: DetectorSettings,
    ) -> Result<Self, Vec<DetectorFault>> {
        let mut faults = settings.faults(Some(model));
        let mut thresholds = Vec::with_capacity(model.labels.len());
        for (label, own) in model.labels.iter().zip(&model.thresholds) {
            let change = settings.by_label.get(&**label).copied().unwrap_or_default();
            let chosen = chosen_thresholds(*own, settings.every_label, change);
            thresholds.push(chosen);
            if let Some(fault) = threshold_fault(label, *own, change, chosen, settings.every_label)
            {
                faults.push(fault);
            }
        }
        let allowed: Vec<bool> =
            model.labels.iter().map(|label| settings.allows(label, &model.non_events)).collect();
        if !allowed.contains(&true) && !faults.iter().any(is_unknown_in_allow) {
            faults.push(DetectorFault::NothingAllowed);
        }
        if faults.is_empty() {
            Ok(Self { labels: model.labels.clone(), thresholds, allowed, settings })
        } else {
            Err(faults)
        }
    }

    /// The labels, in the order of the scores.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// The thresholds of label `index`, as they are after every override.
    ///
    /// # Panics
    /// When `index` is not below the number of labels.
    pub fn thresholds(&self, index: usize) -> Thresholds {
        self.thresholds[index]
    }

    /// Whether label `index` may become an event.
    ///
    /// # Panics
    /// When `index` is not below the number of labels.
    pub fn is_allowed(&self, index: usize) -> bool {
        self.allowed[index]
    }

    /// Whether a window of this level is loud enough for its scores to count.
    pub fn is_audible(&self, level_dbfs: f32) -> bool {
        level_dbfs >= self.settings.min_level_dbfs
    }

    /// The settings these rules were made from.
    pub fn settings(&self) -> &DetectorSettings {
        &self.settings
    }
}

impl DetectorSettings {
    /// What is wrong with these settings: all that can be known without a model, and with one also labels it does
    /// not have and confirmations that take too long at its hop.
    pub fn faults(&self, model: Option<&ModelTraits>) -> Vec<DetectorFault> {
        let mut faults = Vec::new();
        self.check_thresholds(model, &mut faults);
        self.check_confirmation(model, &mut faults);
        self.check_lengths(&mut faults);
        if let Some(model) = model {
            self.check_labels(&model.labels, &mut faults);
            if model.thresholds.len() != model.labels.len() {
                faults.push(DetectorFault::ThresholdCount {
                    labels: model.labels.len(),
                    thresholds: model.thresholds.len(),
                });
            }
        }
        if !(-120.0..0.0).contains(&self.min_level_dbfs) {
            faults.push(DetectorFault::Level { found: self.min_level_dbfs });
        }
        faults
    }

    /// Whether the lists let `label` become an event.
    fn allows(&self, label: &str, non_events: &[String]) -> bool {
        let named = |list: &[String]| list.iter().any(|listed| listed == label);
        let allowed = match self.allow.as_slice() {
            [] => !named(non_events),
            allow => named(allow),
        };
        allowed && !named(&self.deny)
    }

    fn check_thresholds(&self, model: Option<&ModelTraits>, faults: &mut Vec<DetectorFault>) {
        let every = std::iter::once((None, &self.every_label));
        let single = self.by_label.iter().map(|(label, change)| (Some(label.as_str()), change));
        for (label, change) in every.chain(single) {
            for (found, end) in [(change.on, End::On), (change.off, End::Off)] {
                let Some(found) = found.filter(|found| !attainable(*found)) else { continue };
                let own = model.and_then(|model| own_range(model, label, end));
                faults.push(DetectorFault::Threshold { key: end.key(label), found, own });
            }
            if let (Some(on), Some(off)) = (change.on, change.off)
                && attainable(on)
                && attainable(off)
                && off > on
            {
                let (key, on_key) = (End::Off.key(label), Some(End::On.key(label)));
                faults.push(DetectorFault::OffAboveOn { key, on_key, off, on });
            }
        }
    }

    fn check_confirmation(&self, model: Option<&ModelTraits>, faults: &mut Vec<DetectorFault>) {
        let counts = [
            ("detector.confirm.windows", self.confirm_windows),
            ("detector.confirm.of", self.confirm_of),
        ];
        let before = faults.len();
        for (key, found) in counts {
            if !(1..=DetectorSpec::MAX_CONFIRM).contains(&found) {
                faults.push(DetectorFault::ConfirmRange { key, found });
            }
        }
        let (windows, of) = (self.confirm_windows, self.confirm_of);
        if faults.len() > before {
            return;
        }
        if windows > of {
            faults.push(DetectorFault::ConfirmNever { windows, of });
        }
        let hop = model.map_or(Duration::ZERO, |model| model.hop);
        let takes = hop.saturating_mul(u32::try_from(of).unwrap_or(u32::MAX));
        if !self.max_event.is_zero() && takes > self.max_event {
            let max_event = self.max_event;
            faults.push(DetectorFault::ConfirmTooLong { of, takes, max_event });
        }
    }

    fn check_lengths(&self, faults: &mut Vec<DetectorFault>) {
        if self.max_event.is_zero() {
            faults.push(DetectorFault::MaxEventZero);
        } else if self.min_event > self.max_event {
            let (min_event, max_event) = (self.min_event, self.max_event);
            faults.push(DetectorFault::MinAboveMax { min_event, max_event });
        }
    }

    fn check_labels(&self, labels: &LabelSet, faults: &mut Vec<DetectorFault>) {
        let listed = |key: &str, list: &[String]| -> Vec<(String, String)> {
            list.iter().map(|label| (key.to_owned(), label.clone())).collect()
        };
        let mut named = listed("detector.allow", &self.allow);
        named.extend(listed("detector.deny", &self.deny));
        named.extend(
            self.by_label
                .keys()
                .map(|label| (format!("detector.labels.{}", bare_or_quoted(label)), label.clone())),
        );
        for (key, label) in named {
            if labels.index_of(&label).is_none() {
                let nearest =
                    nearest(&label, labels.iter().map(|known| &**known)).map(str::to_owned);
                faults.push(DetectorFault::UnknownLabel {
                    key,
                    label,
                    nearest,
                    labels: labels.len(),
                });
            }
        }
    }
}

/// Which end of an event a threshold is about.
#[derive(Clone, Copy)]
enum End {
    On,
    Off,
}

impl End {
    fn key(self, label: Option<&str>) -> String {
        let name = match self {
            Self::On => "threshold",
            Self::Off => "off_threshold",
        };
        match label {
            None => format!("detector.{name}"),
            Some(label) => format!("detector.labels.{}.{name}", bare_or_quoted(label)),
        }
    }

    fn of(self, thresholds: &Thresholds) -> f32 {
        match self {
            Self::On => thresholds.on,
            Self::Off => thresholds.off,
        }
    }
}

/// Scores come out of a sigmoid or softmax: strictly between 0 and 1.
fn attainable(threshold: f32) -> bool {
    threshold > 0.0 && threshold < 1.0
}

fn chosen_thresholds(
    own: Thresholds,
    every: ThresholdChange,
    label: ThresholdChange,
) -> Thresholds {
    let on = label.on.or(every.on).unwrap_or(own.on);
    let in_proportion = if own.on > 0.0 { (own.off * (on / own.on)).min(on) } else { own.off };
    let off = match (label.off, label.on, every.off) {
        (Some(off), _, _) => off,
        (None, None, Some(off)) => off.min(on),
        _ => in_proportion,
    };
    Thresholds { on, off }
}

/// The faults of one label that are not seen by looking at its own keys alone.
fn threshold_fault(
    label: &str,
    own: Thresholds,
    change: ThresholdChange,
    chosen: Thresholds,
    every: ThresholdChange,
) -> Option<DetectorFault> {
    let set = |value: Option<f32>| value.is_some_and(attainable);
    if let (Some(off), None) = (change.off, change.on)
        && attainable(off)
        && attainable(chosen.on)
        && off > chosen.on
    {
        let on_key = every.on.map(|_| End::On.key(None));
        let key = End::Off.key(Some(label));
        return Some(DetectorFault::OffAboveOn { key, on_key, off, on: chosen.on });
    }
    let own_works = attainable(own.on) && attainable(own.off) && own.off <= own.on;
    let overridden = (set(change.on) || set(every.on)) && (set(change.off) || set(every.off));
    let key = End::On.key(Some(label));
    (!own_works && !overridden).then_some(DetectorFault::ModelThresholds {
        key,
        on: own.on,
        off: own.off,
    })
}

fn own_range(model: &ModelTraits, label: Option<&str>, end: End) -> Option<(f32, f32)> {
    let values = model
        .labels
        .iter()
        .zip(&model.thresholds)
        .filter(|(known, _)| label.is_none_or(|label| label == &***known))
        .map(|(_, thresholds)| end.of(thresholds));
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// A key as TOML wants it written: bare where that is allowed.
fn bare_or_quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

/// An allow list of misspelt labels allows nothing, but its fault is the spelling.
fn is_unknown_in_allow(fault: &DetectorFault) -> bool {
    matches!(fault, DetectorFault::UnknownLabel { key, .. } if key == "detector.allow")
}
