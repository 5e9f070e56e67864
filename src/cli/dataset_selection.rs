//! The options that say what of a dataset is used. Part of the arguments of `train` and of `eval`.

use clap::Args;
use serde::Serialize;

use crate::offline::{DatasetOptions, Layout, OnFault, Subset};

/// A dataset's layout, and the part of it that is used.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatasetSelection {
    /// How the dataset is laid out: esc50, urbansound8k, tinysol, folders or csv; detected by default
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
    /// What of the dataset is used.
    pub fn options(&self) -> DatasetOptions {
        DatasetOptions {
            layout: self.layout,
            subset: self.subset,
            licences: self.licences.clone(),
            labels: self.labels.clone(),
        }
    }

    /// What is done about recordings that cannot be used.
    pub fn on_fault(&self) -> OnFault {
        if self.skip_faulty { OnFault::LeaveOut } else { OnFault::Refuse }
    }
}
