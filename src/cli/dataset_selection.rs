//! The options that say what of a dataset is used. Part of the arguments of `train` and of `eval`.

use std::path::Path;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::offline::{Dataset, DatasetOptions, Layout, OnFault, Subset};

/// How a dataset is laid out, and what of it is used.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct DatasetSelection {
    /// How the dataset is laid out: esc50, urbansound8k, tinysol, folders or csv; by default found out
    #[arg(long)]
    layout: Option<Layout>,
    /// A named part of the dataset: esc10
    #[arg(long)]
    subset: Option<Subset>,
    /// Only these classes; a model measured on them is measured on their scores alone
    #[arg(long, value_delimiter = ',')]
    labels: Vec<String>,
    /// Only clips under these licences, as the table's column `license` has them
    #[arg(long, value_delimiter = ',')]
    licences: Vec<String>,
    /// Go on without recordings that cannot be used
    #[arg(long)]
    skip_faulty: bool,
}

impl DatasetSelection {
    /// Reads the dataset at a path.
    ///
    /// # Errors
    /// [`Failure`] when there is none, or nothing of it is chosen.
    pub fn open(&self, data: &Path) -> Result<Dataset, Failure> {
        let options = DatasetOptions {
            layout: self.layout,
            subset: self.subset,
            licences: self.licences.clone(),
            labels: self.labels.clone(),
        };
        Dataset::open(data, &options).map_err(Failure::usage)
    }

    /// What is done about recordings that cannot be used.
    pub fn on_fault(&self) -> OnFault {
        if self.skip_faulty { OnFault::LeaveOut } else { OnFault::Refuse }
    }
}
