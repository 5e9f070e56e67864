//! How a command fails: an error to print, and the exit code by which scripts know the kind of failure.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;

use crate::assembly::{AssemblyError, ModelError};
use crate::config::ConfigError;
use crate::domain::printable_lines;
use crate::evaluation::MeasureError;
use crate::live::LiveError;
use crate::sources::SourceError;

/// A command's error and its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// The command ran, and failed at what it was to do: exit code 1.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, error: error.into() }
    }

    /// A wrong argument or configuration: exit code 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// A device, recording or model that cannot be used: exit code 3.
    pub fn device_or_model(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 3, error: error.into() }
    }

    /// The exit code of what cannot be assembled; faults of the configuration with their lines.
    fn of_assembly(error: AssemblyError) -> Self {
        match error {
            AssemblyError::Faulty(problems) => Self::usage(anyhow!("{problems:#}")),
            AssemblyError::FaultyAndNoModel { problems, model } => {
                Self::usage(anyhow!("{problems:#}\n{model}"))
            }
            AssemblyError::Model(_) | AssemblyError::Recognition(_) | AssemblyError::Source(_) => {
                Self::device_or_model(error)
            }
            _ => Self::usage(error),
        }
    }

    /// The exit code of a daemon that ended otherwise than well.
    pub fn of_daemon(error: LiveError) -> Self {
        match error {
            // as `classify` of the same
            LiveError::SourceLost { source: SourceError::StreamEmpty { .. }, .. } => {
                Self::failed(error)
            }
            LiveError::Features(_)
            | LiveError::Recognition(_)
            | LiveError::Scorer(_)
            | LiveError::SourceStart(_)
            | LiveError::SourceLost { .. } => Self::device_or_model(error),
            _ => Self::failed(error),
        }
    }

    /// The exit code of a measurement that could not be made.
    pub fn of_measurement(error: MeasureError) -> Self {
        match error {
            MeasureError::Dataset(_)
            | MeasureError::UnknownLabels { .. }
            | MeasureError::NoClips { .. }
            | MeasureError::Split { .. }
            | MeasureError::Search(_)
            | MeasureError::List(_) => Self::usage(error),
            MeasureError::Replay(_) | MeasureError::Threads { .. } | MeasureError::Table { .. } => {
                Self::failed(error)
            }
            _ => Self::device_or_model(error),
        }
    }

    /// Prints the error with its causes, once each, to standard error; gives the exit code.
    pub fn report(self) -> ExitCode {
        let broken_pipe = self.error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        });
        // whoever closed the pipe has read all he wanted
        if broken_pipe && self.code == 1 {
            return ExitCode::SUCCESS;
        }
        // nobody may be reading any more
        let _ = writeln!(std::io::stderr(), "tympan: {}", printable_lines(&self.to_string()));
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    /// The error with its causes, once each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&with_causes(&self.error))
    }
}

/// An error with its causes, once each.
pub fn with_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

impl From<AssemblyError> for Failure {
    fn from(error: AssemblyError) -> Self {
        Self::of_assembly(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::of_assembly(error.into())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::of_assembly(error.into())
    }
}

/// What is written to standard output or a report fails as an ordinary failure.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}
