//! The arguments of `tympan eval`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::dataset_selection::DatasetSelection;

/// Arguments of `tympan eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    pub(super) model: Option<PathBuf>,
    /// Dataset: a folder in a known layout, or a CSV with the columns path and label
    #[arg(long, value_name = "PATH")]
    pub(super) data: PathBuf,
    /// What of the dataset is used
    #[command(flatten)]
    pub(super) selection: DatasetSelection,
    /// Folds to measure on; by default the clips the model was validated on
    #[arg(long, value_delimiter = ',', value_name = "FOLDS")]
    pub(super) folds: Vec<u32>,
    /// Measure recordings as they are, also where the model's were cleaned
    #[arg(long)]
    pub(super) as_heard: bool,
    /// Streaming figures as well: recording or folder of background noise to place the clips in; may be given again
    #[arg(long, value_name = "PATH")]
    pub(super) background: Vec<PathBuf>,
    /// More sound that holds none of the labels, such as speech, to count false alarms in; may be given again
    #[arg(long, value_name = "PATH", requires = "background")]
    pub(super) negatives: Vec<PathBuf>,
    /// Minutes of sound to count false alarms in
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub(super) minutes: u32,
    /// Replay the streaming recordings under other settings of the detector as well
    #[arg(long, requires = "background")]
    pub(super) sweep: bool,
    /// Seed of where clips are placed and how loud
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Write a report there: index.html, figures.json, and every plot as SVG and PNG
    #[arg(long, value_name = "FOLDER")]
    pub(super) report: Option<PathBuf>,
}
