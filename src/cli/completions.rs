//! `tympan completions`: a script that completes tympan's arguments in a shell. Packages install what it prints.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::{Failure, output};

/// Arguments of `tympan completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell that is to complete them
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for `command`, the whole command line.
///
/// # Errors
/// [`Failure`] when it cannot be printed.
pub fn completions(
    arguments: &CompletionsArguments,
    command: &mut clap::Command,
) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "tympan", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
