//! From the command that was given to the function that carries it out. Called by `main`.

use std::process::ExitCode;

use super::arguments::{Arguments, Command};
use super::{Failure, bench, check, classify, devices, eval, plot, run, signals, status, train};

/// Runs whichever command was given.
///
/// # Errors
/// [`Failure`], to be reported by the caller.
pub fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    if !matches!(arguments.command, Command::Run(_)) {
        signals::release();
    }
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Classify(arguments) => classify::classify(&arguments),
        Command::Train(arguments) => train::train(&arguments),
        Command::Eval(arguments) => eval::eval(&arguments),
        Command::Plot(arguments) => plot::plot(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Status(arguments) => status::status(&arguments),
        Command::Devices(arguments) => devices::devices(&arguments),
        Command::Check(arguments) => check::check(&arguments),
    }
}
