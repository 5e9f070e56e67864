//! `model.toml`: everything about a model but its weights. Written by training, read by every command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NetworkError, NetworkSpec, VerifierSpec};
use crate::domain::{LabelSet, MelWindow};
use crate::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use crate::recognition::{ModelTraits, Thresholds};

/// The manifest as it stands in the file. [`super::Bundle`] checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this layout.
    pub format_version: u32,
    /// The model's name.
    pub name: String,
    /// The version of tympan that wrote it.
    pub tympan_version: String,
    /// Terms of the weights.
    pub licence: String,
    /// What turns the network's outputs into scores.
    pub activation: Activation,
    /// Labels in the order of the network's outputs.
    pub labels: Vec<String>,
    /// Labels that are no events unless `detector.allow` names them: they take what the others would otherwise be heard in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub non_events: Vec<String>,
    /// Hash of `weights.safetensors`, lower-case hexadecimal.
    pub weights_sha256: String,
    /// Samples → log-mel frames.
    pub front_end: FrontEndSpec,
    /// Frames → windows.
    pub window: WindowSpec,
    /// The network and its sizes.
    pub network: NetworkSpec,
    /// How scores are made where a second network, in the folder `verifier`, looks at what the first one hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<VerifierSpec>,
    /// Where the weights come from.
    pub provenance: Provenance,
    /// What was measured with them.
    pub figures: Figures,
    /// Scores at which events begin and end, by label.
    pub thresholds: BTreeMap<String, Thresholds>,
    /// Log-mel frames → what the network was trained on.
    pub normaliser: Normaliser,
}

impl Manifest {
    /// Everything a window depends on.
    pub fn featuriser_spec(&self) -> FeaturiserSpec {
        FeaturiserSpec {
            front_end: self.front_end.clone(),
            normaliser: self.normaliser.clone(),
            window: self.window,
        }
    }

    /// What a detector needs to know of the model; `labels` are those of this manifest, which was checked.
    pub(super) fn traits(&self, labels: &LabelSet) -> ModelTraits {
        let hop_samples = self.window.hop_frames * self.front_end.frame_hop_samples;
        ModelTraits {
            thresholds: labels.iter().map(|label| self.thresholds[&**label]).collect(),
            hop: self.front_end.sample_rate_hz.duration_of(hop_samples as u64),
            non_events: self.non_events.clone(),
            labels: labels.clone(),
        }
    }

    /// Checks that windows have the network's size.
    ///
    /// # Errors
    /// [`NetworkError::WindowValues`].
    #[cfg(feature = "torch")]
    pub(crate) fn check_windows(&self, windows: &[MelWindow]) -> Result<(), NetworkError> {
        check_window_values(windows, self.window.frames * self.front_end.mel_bands)
    }
}

/// Checks that windows have `expected` values each.
///
/// # Errors
/// [`NetworkError::WindowValues`].
pub(super) fn check_window_values(
    windows: &[MelWindow],
    expected: usize,
) -> Result<(), NetworkError> {
    match windows.iter().map(|window| window.values.len()).find(|found| *found != expected) {
        Some(found) => Err(NetworkError::WindowValues { found, expected }),
        None => Ok(()),
    }
}

/// What turns the network's outputs into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Each label on its own: several may sound at once, or none.
    Sigmoid,
    /// One label in place of the others: scores sum to 1.
    Softmax,
}

/// Where the weights come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The recordings.
    pub dataset: String,
    /// Their terms.
    pub dataset_terms: String,
    /// Folds trained on.
    pub train_folds: Vec<u32>,
    /// Folds measured on, and thresholds chosen on.
    pub validation_folds: Vec<u32>,
    /// Clips trained on.
    pub train_clips: usize,
    /// Clips that were split, those that turned out unusable included; 0 in older bundles.
    #[serde(default)]
    pub split_clips: usize,
    /// Recordings beside them that hold none of the labels.
    pub background_clips: usize,
    /// The command that makes the bundle again.
    pub command: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Whether parts of one recording were both trained on and measured on: then the figures say how well recordings
    /// are remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaky: bool,
    /// How the clips to measure on were chosen, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub split_words: String,
    /// The epoch whose weights these are, where validation chose it; otherwise they are the last one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_epoch: Option<usize>,
    /// What was done to the recordings before their features were computed, as `offline::CleaningSpec` reads it.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub cleaning: toml::Table,
    /// The split, as `offline::SplitSpec` reads it; empty where the bundle is one of a cross-validation.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub split: toml::Table,
}

/// What was measured on the validation folds, which no weight was fitted to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Clips measured.
    pub clips: usize,
    /// Share of clips whose best label is right, by the mean over the windows that carry the sound: those within 10 dB of
    /// the clip's loudest.
    pub clip_accuracy: f64,
    /// Share of those windows whose best label is right.
    pub window_accuracy: f64,
}
