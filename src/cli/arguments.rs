//! The command line: one subcommand a job, and the function that runs it. Each subcommand's own arguments stand in its
//! file. Called by `main`.

use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use super::bench::BenchArguments;
use super::check::CheckArguments;
use super::classify::ClassifyArguments;
use super::clean::CleanArguments;
use super::completions::CompletionsArguments;
use super::devices::DevicesArguments;
use super::doctor::DoctorArguments;
use super::eval::EvalArguments;
use super::labels::LabelsArguments;
use super::man_pages::ManPagesArguments;
use super::plot::PlotArguments;
use super::run::RunArguments;
use super::status::StatusArguments;
use super::train::TrainArguments;
use super::watch::WatchArguments;
use super::{
    Failure, bench, check, classify, clean, completions, devices, doctor, eval, labels, man_pages,
    plot, run, signals, status, train, watch,
};
use crate::domain::printable_lines;

/// Classifies the sounds from a microphone within milliseconds and reports them as events.
#[derive(Debug, Parser)]
#[command(name = "tympan", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Capture audio and write its labels to standard output, a log file or sockets
    Run(RunArguments),
    /// Classify the sounds in recordings
    Classify(ClassifyArguments),
    /// Write recordings without their silence, or at one level, as training reads them
    Clean(CleanArguments),
    /// Fit a model to a dataset and write its bundle
    Train(Box<TrainArguments>),
    /// Measure a model on a dataset
    Eval(Box<EvalArguments>),
    /// Draw recordings, training runs and measurements, as SVG and PNG
    Plot(PlotArguments),
    /// Measure latency by stage, cost and throughput; compare them with a baseline
    Bench(BenchArguments),
    /// Show the state of a running daemon
    Status(StatusArguments),
    /// Show what running daemons capture: level, spectrogram, labels, events
    Watch(WatchArguments),
    /// List the capture devices
    Devices(DevicesArguments),
    /// Check this machine: sound cards, level, speed, service, disk and clock, each with what to do
    Doctor(DoctorArguments),
    /// List the labels of a model
    Labels(LabelsArguments),
    /// Check a configuration and the bundle it names
    Check(CheckArguments),
    /// Print a script that completes tympan's arguments in a shell
    #[command(hide = true)]
    Completions(CompletionsArguments),
    /// Write the man pages into a folder
    #[command(hide = true)]
    ManPages(ManPagesArguments),
}

impl Arguments {
    /// The command line as the help shows it: without the commands that only a package build needs.
    pub fn shown() -> clap::Command {
        let whole = Self::command();
        let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
        clap::Command::new("tympan")
            .version(env!("CARGO_PKG_VERSION"))
            .propagate_version(true)
            .about(whole.get_about().cloned().unwrap_or_default())
            .subcommand_required(true)
            .subcommands(shown)
    }

    /// Parses the command line, or prints what is wrong with it, or the help that was asked for.
    ///
    /// # Errors
    /// The exit code, once that has been printed.
    pub fn parse_or_exit() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
            // it repeats arguments, which may be names of files that others chose
            _ => {
                let text = error.to_string();
                // nobody may be reading
                let _ = match printable_lines(&text) {
                    Cow::Borrowed(_) => error.print(),
                    Cow::Owned(masked) => std::io::stderr().write_all(masked.as_bytes()),
                };
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
        })
    }
}

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
        Command::Clean(arguments) => clean::clean(&arguments),
        Command::Train(arguments) => train::train(&arguments),
        Command::Eval(arguments) => eval::eval(&arguments),
        Command::Plot(arguments) => plot::plot(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Status(arguments) => status::status(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments),
        Command::Devices(arguments) => devices::devices(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Labels(arguments) => labels::labels(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Completions(arguments) => {
            completions::completions(&arguments, &mut Arguments::shown())
        }
        Command::ManPages(arguments) => man_pages::man_pages(&arguments, Arguments::shown()),
    }
}
