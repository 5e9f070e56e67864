//! `tympan labels`: what a model knows, a label a line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Failure, output};
use crate::assembly::{load_bundle, shipped_bundle};

/// Arguments of `tympan labels`.
#[derive(Debug, Args)]
pub struct LabelsArguments {
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
}

/// Prints the labels in the order of the model's outputs, which is that of the numbers a label encoder would give them.
///
/// # Errors
/// [`Failure`] when the bundle cannot be used.
pub fn labels(arguments: &LabelsArguments) -> Result<ExitCode, Failure> {
    let folder = arguments.model.clone().unwrap_or_else(shipped_bundle);
    let bundle = load_bundle(&folder)?;
    let lines: String = bundle.labels().iter().map(|label| format!("{label}\n")).collect();
    output::print(&lines)?;
    Ok(ExitCode::SUCCESS)
}
