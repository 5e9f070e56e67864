//! `tympan train` in a build without libtorch: says what to build instead.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::Failure;

/// Arguments of `tympan train`, whatever they are.
#[derive(Debug, Args)]
pub struct TrainArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

/// Refuses to train.
///
/// # Errors
/// [`Failure`] with exit code 2.
pub fn train(_: &TrainArguments) -> Result<ExitCode, Failure> {
    Err(Failure::usage(anyhow!(
        "this tympan was built without libtorch, which training needs; build it with `make build`, and train with that"
    )))
}
