//! The program: parse the command line, run the command, print one error, set the exit code.

use std::process::ExitCode;

/// Parses, runs, reports.
#[cfg(feature = "torch")]
fn main() -> ExitCode {
    use clap::Parser;

    match tympan::cli::run(tympan::cli::Arguments::parse()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// Without libtorch there is a library to test, and no command to run.
#[cfg(not(feature = "torch"))]
fn main() -> ExitCode {
    eprintln!("tympan: built without the feature `torch`; build it with `make build`");
    ExitCode::from(2)
}
