//! Turns `[output]` into open sinks.

use std::io::IsTerminal;
use std::sync::Arc;

use super::Failure;
use crate::config::{OutputConfig, StdoutConfig, StdoutFormat};
use crate::domain::Counters;
use crate::sinks::{
    Colour, LineFormat, LogFile, LogFileSpec, RecordFilter, Sink, SocketSink, SocketSpec,
    StdoutSink, UnixSocketSpec,
};

/// Opens every sink that is enabled.
///
/// # Errors
/// [`Failure`] with exit code 2: a folder that cannot be written, an address in use.
pub fn open(
    output: &OutputConfig,
    counters: &Arc<Counters>,
) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(stdout) = &output.stdout {
        let format = line_format(stdout.format);
        sinks.push(Box::new(
            StdoutSink::open(format, records(stdout, format)).map_err(Failure::usage)?,
        ));
    }
    if let Some(log_file) = &output.log_file {
        let spec = LogFileSpec {
            records: if log_file.windows {
                RecordFilter::Everything
            } else {
                RecordFilter::WithoutWindows
            },
            file_bytes: log_file.max_size_bytes,
            file_age: log_file.max_age,
            total_bytes: log_file.max_total_bytes,
            ..LogFileSpec::new(&log_file.path)
        };
        sinks.push(Box::new(LogFile::open(spec).map_err(Failure::usage)?));
    }
    if output.unix.is_some() || output.tcp.is_some() {
        let spec = SocketSpec {
            unix: output
                .unix
                .as_ref()
                .map(|unix| UnixSocketSpec { path: unix.path.clone(), mode: unix.mode }),
            tcp: output.tcp.as_ref().map(|tcp| tcp.address),
            patience: output.sockets.patience,
            max_clients: output.sockets.max_clients,
        };
        let sink = SocketSink::open(spec, Arc::clone(counters)).map_err(Failure::usage)?;
        sinks.push(Box::new(sink));
    }
    Ok(sinks)
}

/// What `format` means for this standard output: text for a person at a terminal, JSON Lines for a pipe.
pub fn line_format(format: StdoutFormat) -> LineFormat {
    let terminal = std::io::stdout().is_terminal();
    let wants_text = match format {
        StdoutFormat::Auto => terminal,
        StdoutFormat::Text => true,
        StdoutFormat::JsonLines => false,
    };
    if !wants_text {
        return LineFormat::JsonLines;
    }
    // https://no-color.org: any value that is not empty
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = if terminal && !no_colour { Colour::Ansi } else { Colour::Plain };
    LineFormat::Text { colour }
}

fn records(stdout: &StdoutConfig, format: LineFormat) -> RecordFilter {
    match stdout.windows {
        Some(true) => RecordFilter::Everything,
        Some(false) => RecordFilter::WithoutWindows,
        None => format.default_records(),
    }
}
