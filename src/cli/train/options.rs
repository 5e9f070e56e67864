//! The options of `tympan train`, as given: what is not given keeps its default. They can be kept in a file, compared, and
//! repeated as a command.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::network_options::NetworkOptions;
use super::training_options::by_name;
use super::training_options::{AugmentOptions, TrainingOptions};
use crate::cli::dataset_selection::DatasetSelection;
use crate::offline::ClipNormalisation;

/// Arguments of `tympan train`.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrainArguments {
    /// Folder of a dataset, or a CSV with the columns path and label
    #[arg(long, value_name = "PATH", required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// Folder of the bundle to write
    #[arg(long, value_name = "FOLDER", required_unless_present = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with the run that was interrupted in this folder, as it was begun
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    #[serde(skip)]
    pub resume: Option<PathBuf>,
    /// What the recordings are
    #[command(flatten)]
    #[serde(flatten)]
    pub dataset: DatasetArguments,
    /// Which recordings are measured on
    #[command(flatten)]
    #[serde(flatten)]
    pub split: SplitArguments,
    /// What is fitted
    #[command(flatten)]
    #[serde(flatten)]
    pub network: NetworkOptions,
    /// How it is fitted
    #[command(flatten)]
    #[serde(flatten)]
    pub training: TrainingOptions,
    /// How windows are changed
    #[command(flatten)]
    #[serde(flatten)]
    pub augment: AugmentOptions,
    /// Terms of the weights, for the manifest and the card
    #[arg(long, value_name = "TERMS")]
    pub licence: Option<String>,
    /// Threads of libtorch; by default one a core. The same number gives the same weights again
    #[arg(long)]
    pub threads: Option<usize>,
    /// Least seconds between two checkpoints, which are made at the ends of epochs
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub checkpoint_every: Option<f64>,
}

/// What the recordings are, and how they are read.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatasetArguments {
    /// What of the dataset is used
    #[command(flatten)]
    #[serde(flatten)]
    pub selection: DatasetSelection,
    /// Bring every recording to one level first: none, peak or loudness
    #[arg(long, value_name = "HOW", value_parser = by_name::<ClipNormalisation>)]
    pub normalise: Option<ClipNormalisation>,
    /// Take silence out of every recording: what an envelope of 100 ms has below this level, such as -50
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    pub trim: Option<f64>,
    /// Recording, or folder of recordings, that holds none of the labels: noise, silence. May be given again
    #[arg(long, value_name = "PATH")]
    pub background: Vec<PathBuf>,
    /// Sound that holds none of the labels, such as speech, and is not trained on: thresholds are chosen so that the
    /// model keeps quiet in it and in the background. May be given again
    #[arg(long, value_name = "PATH", requires = "background", num_args = 1..)]
    pub negatives: Vec<PathBuf>,
    /// Keep features in this folder, and take from it what was kept before
    #[arg(long, value_name = "FOLDER")]
    pub features: Option<PathBuf>,
}

/// Which recordings are fitted to and which are measured on.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SplitArguments {
    /// Folds to fit; by default 1,2,3 of ESC-50, and of other sets all but those measured on
    #[arg(long, value_delimiter = ',')]
    pub folds: Vec<u32>,
    /// Folds to measure on and to choose thresholds by; by default 4 of ESC-50, and the last of other sets
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    pub validation_folds: Vec<u32>,
    /// Split at random instead, by the share to measure on, such as random:0.2; the default, with 0.2, of sets without
    /// folds. Clips of one source stay together
    #[arg(long, value_name = "random:SHARE", conflicts_with_all = ["folds", "validation_folds", "k_fold"])]
    pub split: Option<String>,
    /// Let a random split part clips of one source, as many notebooks do; whatever is made from it says LEAKY
    #[arg(long)]
    pub allow_leaky_split: bool,
    /// Train once for each fold, measured on that fold, and report mean and deviation; FOLDS random ones (5) of a set that
    /// has none
    #[arg(long, value_name = "FOLDS", num_args = 0..=1, default_missing_value = "5",
          conflicts_with_all = ["folds", "validation_folds"])]
    pub k_fold: Option<usize>,
}

impl TrainArguments {
    /// With paths that hold from any folder.
    ///
    /// # Errors
    /// When the system does not give the current folder.
    pub fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        let named = [&mut self.data, &mut self.out, &mut self.resume, &mut self.dataset.features];
        for path in named
            .into_iter()
            .flatten()
            .chain(&mut self.dataset.background)
            .chain(&mut self.dataset.negatives)
        {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }

    /// The options that were given, by name; but for `--resume`.
    pub fn given(&self) -> Map<String, Value> {
        let is_given = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        match serde_json::to_value(self) {
            Ok(Value::Object(options)) => {
                options.into_iter().filter(|(_, value)| is_given(value)).collect()
            }
            _ => Map::new(),
        }
    }

    /// The command that makes the bundle again; DATA, BACKGROUND and NEGATIVES stand for paths of whoever types it.
    pub fn command(&self, out: &str) -> String {
        let mut command = "tympan train --data DATA".to_owned();
        for (option, value) in self.given() {
            let value = match (option.as_str(), &value) {
                ("data" | "out" | "features" | "checkpoint-every", _) => continue,
                ("background", Value::Array(items)) => {
                    command += &" --background BACKGROUND".repeat(items.len());
                    continue;
                }
                ("negatives", _) => {
                    command += " --negatives NEGATIVES";
                    continue;
                }
                (_, Value::Bool(_)) => String::new(),
                (_, Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(","),
                (_, value) => plain(value),
            };
            command += &format!(" --{option}");
            if !value.is_empty() {
                command += &format!(" {}", quoted(&value));
            }
        }
        command + &format!(" --out {}", quoted(out))
    }
}

/// A value as it is typed.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// In quotes where a shell would take it apart.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/+=@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
