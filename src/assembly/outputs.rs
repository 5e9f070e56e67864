//! Turns `[output]` into open sinks.

use std::io::{IsTerminal, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use super::AssemblyError;
use crate::config::{OutputConfig, StdoutConfig, StdoutFormat};
use crate::domain::OutputCounters;
use crate::files;
use crate::live::SharedStatus;
use crate::protocol::Token;
use crate::sinks::{
    Colour, CommandSink, CommandSinkSpec, JournalSink, LineFormat, LogFile, LogFileSpec,
    Measurements, Outlet, RecordFilter, Sink, SocketSink, SocketSpec, StatusReport, StdoutSink,
    TextClock, UnixSocketSpec, WebSpec,
};

/// What is open: sinks that may block, and outlets that never do.
#[derive(Default)]
pub(super) struct OpenOutputs {
    /// Standard output, the log file.
    pub(super) sinks: Vec<Box<dyn Sink>>,
    /// The sockets.
    pub(super) outlets: Vec<Box<dyn Outlet>>,
}

/// What outputs have to know of the daemon.
pub(super) struct OutputNeeds<'a> {
    /// The inputs' names.
    pub(super) sources: Vec<Arc<str>>,
    /// The folder of clips, if there are any.
    pub(super) clips: Option<&'a Path>,
    /// What time is in text.
    pub(super) clock: TextClock,
    /// How many files this process may open.
    pub(super) descriptors: u64,
    /// Where outputs count.
    pub(super) counters: &'a Arc<OutputCounters>,
    /// The daemon's account of itself.
    pub(super) status: StatusReport,
    /// What has happened so far.
    pub(super) measurements: &'a Arc<Measurements>,
}

/// Opens every output that is enabled.
///
/// # Errors
/// [`AssemblyError`]: a folder that cannot be written, an address in use, a token that cannot be read.
pub(super) fn open(
    output: &OutputConfig,
    needs: OutputNeeds<'_>,
) -> Result<OpenOutputs, AssemblyError> {
    let OutputNeeds { sources, clips, clock, descriptors, counters, status, measurements } = needs;
    let OpenOutputs { mut sinks, mut outlets } = OpenOutputs::default();
    if let Some(stdout) = &output.stdout {
        let format = line_format(stdout.format, &sources);
        let records = records(stdout, format);
        // standard output may lead to a journal that this process has no socket of
        let journal = is_journal().then(|| JournalSink::open(format, records).ok()).flatten();
        sinks.push(match journal {
            Some(journal) => Box::new(journal),
            None => Box::new(StdoutSink::open(format, records, clock)?),
        });
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
        sinks.push(Box::new(LogFile::open(spec, Arc::clone(counters))?));
    }
    if let Some(command) = &output.command {
        sinks.push(Box::new(CommandSink::open(CommandSinkSpec {
            argv: command.argv.clone(),
            labels: command.labels.clone(),
            max_per_minute: command.max_per_minute,
            timeout: command.timeout,
        })?));
    }
    if output.unix.is_some() || output.tcp.is_some() || output.web.is_some() {
        let token_file = output.tcp.as_ref().and_then(|tcp| tcp.token_file.as_deref());
        let token = token_file.map(read_token).transpose()?;
        let web = match &output.web {
            Some(web) => Some(WebSpec {
                hosts: web.hosts.clone(),
                token: web.token_file.as_deref().map(read_token).transpose()?,
                log_file: output.log_file.as_ref().map(|log_file| log_file.path.clone()),
                clips: clips.map(Path::to_owned),
                measurements: Arc::clone(measurements),
                ..WebSpec::new(web.address)
            }),
            None => None,
        };
        let spec = SocketSpec {
            unix: output
                .unix
                .as_ref()
                .map(|unix| UnixSocketSpec { path: unix.path.clone(), mode: unix.mode }),
            tcp: output.tcp.as_ref().map(|tcp| tcp.address),
            web,
            token,
            patience: output.sockets.patience,
            max_clients: output.sockets.max_clients,
            descriptors,
        };
        let sink = SocketSink::open(spec, Arc::clone(counters), status)?;
        if let Some(address) = sink.web_address() {
            log::info!("the page is at http://{address}/");
        }
        outlets.push(Box::new(sink));
    }
    Ok(OpenOutputs { sinks, outlets })
}

/// The daemon's account of itself, for clients that ask.
pub(super) fn status_report(status: &Arc<SharedStatus>) -> StatusReport {
    let status = Arc::clone(status);
    Arc::new(move || status.status())
}

/// Reads a token from its file, which nobody else may be able to read.
///
/// # Errors
/// [`AssemblyError`]: no file, one that others can read, no token in it.
pub fn read_token(path: &Path) -> Result<Token, AssemblyError> {
    let text = read_secret("token", path, Token::MAX_BYTES)?;
    Token::new(&text).ok_or_else(|| AssemblyError::NoToken { path: path.to_owned() })
}

/// Reads a secret of `max_bytes` at most from its file, with the line feed at its end.
pub(super) fn read_secret(
    secret: &'static str,
    path: &Path,
    max_bytes: usize,
) -> Result<String, AssemblyError> {
    let read = || -> std::io::Result<(u32, String)> {
        let file = files::open_regular_within(path)?;
        let mode = file.metadata()?.permissions().mode();
        let text = files::within(files::MAX_WAIT, move || {
            let mut text = String::new();
            // with room for the line feed, and for one byte too many
            file.take(max_bytes as u64 + 3).read_to_string(&mut text)?;
            Ok(text)
        })?;
        Ok((mode, text))
    };
    let path = path.to_owned();
    match read() {
        Err(source) => Err(AssemblyError::SecretFile { secret, path, source }),
        Ok((mode, _)) if mode & 0o007 != 0 => Err(AssemblyError::PublicSecret { secret, path }),
        Ok((_, text)) => Ok(text),
    }
}

/// What `format` means for this standard output: text for a person at a terminal, JSON Lines for a pipe.
fn line_format(format: StdoutFormat, sources: &[Arc<str>]) -> LineFormat {
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
    let name_columns = match sources {
        [_] => 0,
        several => several.iter().map(|name| name.len()).max().unwrap_or(0),
    };
    LineFormat::Text { colour, name_columns }
}

/// Whether standard output goes to the journal, which a million windows a day would fill. The service manager names it so.
fn is_journal() -> bool {
    let journal = std::env::var("JOURNAL_STREAM").ok();
    let stdout = std::fs::metadata("/proc/self/fd/1").ok();
    let stdout = stdout.map(|found| format!("{}:{}", found.dev(), found.ino()));
    journal.is_some() && journal == stdout
}

fn records(stdout: &StdoutConfig, format: LineFormat) -> RecordFilter {
    match stdout.windows {
        Some(true) => RecordFilter::Everything,
        Some(false) => RecordFilter::WithoutWindows,
        None if is_journal() => RecordFilter::WithoutWindows,
        None => format.default_records(),
    }
}
