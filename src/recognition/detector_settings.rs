//! What may be chosen about detection, and what a model brings along, before either is checked. Filled from a bundle
//! and a configuration, consumed by `DetectorSpec`; main thread.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::LabelSet;

/// Where an event of a label begins and where it ends.
///
/// # Units
/// Smoothed scores, above 0 and below 1; `off` is at most `on`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// A window whose smoothed score is at least this speaks for an event.
    pub on: f32,
    /// An event is over once the smoothed score is below this.
    pub off: f32,
}

/// What the detector has to know of the model that scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelTraits {
    /// The labels, in the order of the scores.
    pub labels: LabelSet,
    /// The model's own thresholds, one per label.
    pub thresholds: Vec<Thresholds>,
    /// Labels that are no events unless `allow` names them.
    pub non_events: Vec<String>,
    /// Audio time from one window to the next.
    pub hop: Duration,
}

/// A wish for other thresholds than the model's own; what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdChange {
    /// Instead of the model's `on`.
    pub on: Option<f32>,
    /// Instead of the model's `off`.
    pub off: Option<f32>,
}

/// Everything about detection that may be chosen freely; [`super::DetectorSpec`] is the checked form.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorSettings {
    /// Other thresholds for every label.
    pub every_label: ThresholdChange,
    /// Other thresholds for single labels; these win over [`Self::every_label`].
    pub by_label: BTreeMap<String, ThresholdChange>,
    /// How many of the last [`Self::confirm_of`] windows must reach `on` before an event begins.
    pub confirm_windows: usize,
    /// See [`Self::confirm_windows`].
    pub confirm_of: usize,
    /// An event lasts at least this long, even when the sound is over sooner.
    pub min_event: Duration,
    /// A longer event is ended and may begin anew.
    pub max_event: Duration,
    /// After an event of a label ended, none of it begins for this long.
    pub cooldown: Duration,
    /// Labels that may become events; empty: all.
    pub allow: Vec<String>,
    /// Labels that may not, even where `allow` names them.
    pub deny: Vec<String>,
    /// Windows quieter than this score 0 for every label. At −120, the level of digital silence, nothing is quieter.
    pub min_level_dbfs: f32,
}

impl Default for DetectorSettings {
    /// The model's thresholds, two of three windows, 0.3 s to 60 s, half a second of rest, nothing below −70 dBFS.
    fn default() -> Self {
        Self {
            every_label: ThresholdChange::default(),
            by_label: BTreeMap::new(),
            confirm_windows: 2,
            confirm_of: 3,
            min_event: Duration::from_millis(300),
            max_event: Duration::from_secs(60),
            cooldown: Duration::from_millis(500),
            allow: Vec::new(),
            deny: Vec::new(),
            min_level_dbfs: -70.0,
        }
    }
}
