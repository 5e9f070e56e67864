//! `[detector]`: read by `resolve`, checked alone or against a model by `ParsedConfig` and `Config`; main thread.

use std::collections::BTreeMap;
use std::time::Duration;

use super::position::item_path;
use super::resolved::{DetectorConfig, Origin};
use super::section::{Section, any_number, number, texts, whole};
use super::{Config, ConfigProblem, ConfigProblems};
use crate::recognition::{
    DetectorFault, DetectorSettings, DetectorSpec, ModelTraits, ThresholdChange,
};

/// Reads the section. Ranges of times are checked here; what contradicts what is left to the detector's own rules.
pub(super) fn read(section: Section<'_>) -> DetectorConfig {
    let millis = |key, max| Duration::from_millis(section.value(key, whole(0..=max)));
    let (confirm, labels) = (section.section("confirm"), section.section("labels"));
    let count = |key| confirm.value(key, whole(0..=1_000_000)) as usize;
    let settings = DetectorSettings {
        every_label: thresholds(&section),
        by_label: by_label(&labels),
        confirm_windows: count("windows"),
        confirm_of: count("of"),
        min_event: millis("min_event_ms", 600_000),
        max_event: Duration::from_secs_f64(section.value("max_event_s", number(0.1..=86_400.0))),
        cooldown: millis("cooldown_ms", 3_600_000),
        allow: section.value("allow", texts),
        deny: section.value("deny", texts),
        min_level_dbfs: section.value("min_level_dbfs", any_number) as f32,
    };
    let smoothing = millis("smoothing_ms", 60_000);
    confirm.end();
    section.end();
    DetectorConfig { smoothing, settings }
}

fn by_label(labels: &Section<'_>) -> BTreeMap<String, ThresholdChange> {
    let read = |label: String| {
        let section = labels.section(&label);
        let change = thresholds(&section);
        section.end();
        (label, change)
    };
    labels.keys_in_file().into_iter().map(read).collect()
}

fn thresholds(section: &Section<'_>) -> ThresholdChange {
    let threshold = |key| section.optional(key, any_number).map(|value| value as f32);
    ThresholdChange { on: threshold("threshold"), off: threshold("off_threshold") }
}

/// The faults of `settings`, checked against `model` if there is one, at the lines they are about. Keys that `found`
/// complains of already are left out: their values are not the file's.
pub(super) fn problems(
    config: &Config,
    model: Option<&ModelTraits>,
    found: &[ConfigProblem],
) -> Vec<ConfigProblem> {
    let settings = &config.detector.settings;
    let faults = match model {
        None => settings.faults(None),
        Some(model) => DetectorSpec::new(model, settings.clone()).err().unwrap_or_default(),
    };
    let complained = |key: &str| found.iter().any(|problem| problem.key == key);
    faults
        .iter()
        .filter(|fault| !complained(fault.key()) && !fault.other_key().is_some_and(complained))
        .map(|fault| problem(fault, &config.origin))
        .collect()
}

fn problem(fault: &DetectorFault, origin: &Origin) -> ConfigProblem {
    let item = match fault {
        DetectorFault::UnknownLabel { key, label, .. } => Some(item_path(key, label)),
        _ => None,
    };
    let paths = [item.as_deref(), Some(fault.key()), fault.other_key()];
    ConfigProblem {
        file: origin.file.clone(),
        position: paths.into_iter().flatten().find_map(|path| origin.places.get(path)),
        key: fault.key().to_owned(),
        message: fault.to_string(),
        source_line: None,
    }
}

impl Config {
    /// The rules of detection for `model`: its thresholds with this configuration's overrides.
    ///
    /// # Errors
    /// Every label that the model does not have, and every combination that can never fire, with the line it stands on
    /// in the file.
    pub fn detector_spec(&self, model: &ModelTraits) -> Result<DetectorSpec, ConfigProblems> {
        DetectorSpec::new(model, self.detector.settings.clone())
            .map_err(|_| ConfigProblems::of(problems(self, Some(model), &[]), &self.origin.text))
    }
}
