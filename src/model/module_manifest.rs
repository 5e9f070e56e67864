//! `model.toml` of a network that others made, a TorchScript module: what it takes, what it gives, which file it is. Written by
//! hand or by a script, read by every command; [`super::ModuleBundle`] checks it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::SampleRate;
use crate::features::{FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use crate::recognition::Thresholds;

/// The manifest as it stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleManifest {
    /// Version of this layout.
    pub format_version: u32,
    /// What runs the module.
    pub runtime: ModuleFormat,
    /// The model's name.
    pub name: String,
    /// Terms of the module.
    pub licence: String,
    /// Where it comes from, in words.
    #[serde(default)]
    pub source: String,
    /// Labels in the order of the outputs; empty where a file has them.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A table that has the labels.
    #[serde(default)]
    pub labels_file: Option<LabelsFile>,
    /// The file, and how it is called.
    pub module: ModuleSpec,
    /// What it takes.
    pub input: ModuleInput,
    /// What it gives.
    pub output: ModuleOutput,
    /// Scores at which events begin and end.
    pub thresholds: ModuleThresholds,
    /// A recording and the scores that `tympan check` has to find for it.
    #[serde(default)]
    pub golden: Option<GoldenFiles>,
}

/// The formats of modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleFormat {
    /// `torch.jit.save`'s, run by libtorch.
    Torchscript,
}

/// A CSV file of the bundle with a row a label, in the order of the outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsFile {
    /// Its name.
    pub file: String,
    /// The heading of the column.
    pub column: String,
}

/// The module's file, and how it is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleSpec {
    /// Its name.
    pub file: String,
    /// Its hash, hexadecimal.
    pub sha256: String,
    /// Whether it remembers what it was given: each input then has a module of its own, which begins anew after a gap.
    #[serde(default)]
    pub stateful: bool,
    /// What it takes after the input.
    #[serde(default)]
    pub extra: Vec<Constant>,
}

/// An argument that is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Constant {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a decimal point.
    Float(f64),
}

/// What a module takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModuleInput {
    /// Samples.
    Waveform(WaveformInput),
    /// Log-mel frames.
    LogMel(LogMelInput),
}

/// Windows of samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformInput {
    /// Their rate.
    pub sample_rate_hz: SampleRate,
    /// Samples of a window.
    pub samples: usize,
    /// Samples between the starts of two windows.
    pub hop_samples: usize,
    /// The order of the dimensions.
    pub layout: WaveformLayout,
    /// What full scale is.
    #[serde(default = "one")]
    pub scale: f32,
    /// What is done to each window, before the scale.
    #[serde(default)]
    pub normalise: WaveformNormalisation,
    /// How much of the sample before is taken from each sample of a window; of the first, of itself.
    #[serde(default)]
    pub pre_emphasis: f32,
}

fn one() -> f32 {
    1.0
}

/// Windows of log-mel frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMelInput {
    /// The order of the dimensions.
    pub layout: LogMelLayout,
    /// Samples → log-mel frames.
    pub front_end: FrontEndSpec,
    /// Frames → windows.
    pub window: WindowSpec,
    /// What is done to each value.
    #[serde(default)]
    pub normalise: Affine,
}

/// `(value − mean) / deviation`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// What is subtracted.
    pub mean: f32,
    /// What is divided by.
    pub deviation: f32,
}

impl Default for Affine {
    fn default() -> Self {
        Self { mean: 0.0, deviation: 1.0 }
    }
}

/// Dimensions of samples: N one window, T time, 1 one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaveformLayout {
    /// `[samples]`
    T,
    /// `[1, samples]`
    NT,
    /// `[1, 1, samples]`
    N1T,
}

/// Dimensions of frames: N one window, F mel bands, T time, 1 one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogMelLayout {
    /// `[1, bands, frames]`
    NFT,
    /// `[1, 1, bands, frames]`
    N1FT,
    /// `[1, frames, bands]`
    NTF,
    /// `[1, 1, frames, bands]`
    N1TF,
}

/// What is done to each window of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaveformNormalisation {
    /// Nothing.
    #[default]
    None,
    /// Its mean is subtracted.
    RemoveMean,
    /// Its mean is subtracted, and its largest magnitude brought to this.
    Peak(f32),
    /// Its root mean square is brought to this many dB of full scale.
    RmsDbfs(f32),
    /// `(sample − mean) / deviation`
    Affine(Affine),
}

/// What a module gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleOutput {
    /// Which part of a tuple or list, counted from 0.
    #[serde(default)]
    pub index: Option<usize>,
    /// Which entry of a dictionary.
    #[serde(default)]
    pub key: Option<String>,
    /// What turns outputs into scores.
    pub activation: ModuleActivation,
    /// What makes one row of several, where a window has inner frames.
    #[serde(default)]
    pub reduce: Reduction,
}

/// What turns a module's outputs into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleActivation {
    /// They are scores.
    None,
    /// Each label on its own: several may sound at once, or none.
    Sigmoid,
    /// Labels exclude each other: their scores add up to 1.
    Softmax,
}

/// What makes one row of the rows of a window's inner frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// There is one.
    #[default]
    None,
    /// Their mean.
    Mean,
    /// The largest score of each label.
    Max,
    /// The newest.
    Last,
}

/// Scores at which events begin and end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleThresholds {
    /// Of every label that has none of its own.
    pub default: Thresholds,
    /// By label.
    #[serde(default)]
    pub labels: BTreeMap<String, Thresholds>,
}

/// A recording and its scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenFiles {
    /// The recording.
    pub clip: String,
    /// A CSV file: the labels, then a row a window.
    pub scores: String,
}

impl ModuleManifest {
    /// Everything a window depends on, but for what is done to the samples of a whole window.
    pub fn featuriser_spec(&self) -> FeaturiserSpec {
        match &self.input {
            ModuleInput::Waveform(input) => {
                let frame = greatest_common_divisor(input.samples, input.hop_samples).max(1);
                FeaturiserSpec {
                    front_end: FrontEndSpec::of_samples(input.sample_rate_hz, frame),
                    normaliser: Normaliser::uniform(0.0, 1.0, frame),
                    window: WindowSpec {
                        frames: input.samples / frame,
                        hop_frames: input.hop_samples / frame,
                    },
                }
            }
            ModuleInput::LogMel(input) => {
                let Affine { mean, deviation } = input.normalise;
                let bands = input.front_end.mel_bands;
                FeaturiserSpec {
                    front_end: input.front_end.clone(),
                    normaliser: Normaliser::uniform(mean, deviation, bands),
                    window: input.window,
                }
            }
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl fmt::Display for ModuleManifest {
    /// One line for people: `torchscript: module.pt, 128 mel bands`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "torchscript: {}, ", self.module.file)?;
        match &self.input {
            ModuleInput::Waveform(input) => write!(f, "{} samples", input.samples),
            ModuleInput::LogMel(input) => write!(f, "{} mel bands", input.front_end.mel_bands),
        }?;
        f.write_str(if self.module.stateful { ", keeps state" } else { "" })
    }
}
