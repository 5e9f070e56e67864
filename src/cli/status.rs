//! `tympan status`: requests the status of a running daemon over its socket and prints it.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use crossbeam_channel::bounded;

use super::{Failure, output};
use crate::assembly::{read_config, read_token};
use crate::config::ConfigError;
use crate::domain::{State, printable};
use crate::protocol::{
    Address, Client, ClientError, DaemonStatus, InputStatus, Message, ReloadStatus, SinkStatus,
    Token,
};

/// Where the delivered units' sockets are, below a user's or the system's runtime folder.
const USUAL_SOCKET: &str = "tympan/tympan.sock";
const SYSTEM_FOLDER: &str = "/run";

/// How long the daemon may take to answer, the connection included: with the program's own start five seconds at most.
const TIMEOUT: Duration = Duration::from_secs(4);
/// So much later the requesting thread is abandoned: its client has the same deadline.
const GRACE: Duration = Duration::from_millis(100);

/// Counters of what is no loss.
const NO_LOSS: [&str; 5] =
    ["samples_captured", "windows_scored", "logs_deleted", "clips_deleted", "clients_refused"];

/// Those of them that have a line of their own, when one is not 0.
const OTHERS: [&str; 3] = ["logs_deleted", "clips_deleted", "clients_refused"];

/// Arguments of `tympan status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArguments {
    /// The daemon's configuration, which names its socket
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The daemon's address: a Unix socket's path, or an address and a port; without both, the delivered units' sockets
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    connect: Option<String>,
    /// File with the token that a TCP address asks for
    #[arg(long, value_name = "FILE", requires = "connect")]
    token_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Requests and prints the status; exit code 0 when audio is processed, 1 when it is not or the daemon is unreachable.
///
/// # Errors
/// [`Failure`]: a wrong configuration or address, a daemon that is unreachable.
pub fn status(arguments: &StatusArguments) -> Result<ExitCode, Failure> {
    let status = request(arguments.clone())?;
    if arguments.json {
        output::print_json(&Message::Daemon(Box::new(status.clone())))?;
    } else {
        output::print(&in_words(&status))?;
    }
    // audio that is too loud, or more than the machine can process, is processed all the same
    let processing = [State::Listening, State::Quiet, State::Clipping, State::Overloaded];
    let is_processing = processing.contains(&status.state);
    Ok(if is_processing { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The daemon's address, and the token that it asks for there.
fn address(arguments: &StatusArguments) -> Result<(Address, Option<Token>), Failure> {
    if let Some(connect) = &arguments.connect {
        let token = arguments.token_file.as_deref().map(read_token).transpose()?;
        return Ok((Address::from(connect.as_str()), token));
    }
    match &arguments.config {
        Some(path) => configured(path),
        None => Ok((Address::Unix(usual_socket()), None)),
    }
}

/// The address of the socket that the configuration in `path` enables, and the token that it asks for there.
///
/// # Errors
/// [`Failure`]: a configuration or a token that cannot be read, no socket in it.
pub(super) fn configured(path: &Path) -> Result<(Address, Option<Token>), Failure> {
    let output = read_config(Some(path))?.finish().map_err(ConfigError::from)?.output;
    match (output.unix, output.tcp) {
        (Some(unix), _) => Ok((Address::Unix(unix.path), None)),
        (None, Some(tcp)) => {
            let token = tcp.token_file.as_deref().map(read_token).transpose()?;
            Ok((Address::Tcp(tcp.address), token))
        }
        (None, None) => Err(Failure::usage(anyhow!(
            "{} enables no socket: set enabled = true in [output.unix]",
            path.display()
        ))),
    }
}

/// The socket of the user's own daemon if there is one, else of the system's.
pub(super) fn usual_socket() -> PathBuf {
    let own =
        std::env::var_os("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join(USUAL_SOCKET));
    own.filter(|socket| socket.exists())
        .unwrap_or_else(|| Path::new(SYSTEM_FOLDER).join(USUAL_SOCKET))
}

/// Requests the status on a thread of its own: to read the configuration and the token may take for ever.
fn request(arguments: StatusArguments) -> Result<DaemonStatus, Failure> {
    let deadline = Instant::now() + TIMEOUT;
    let (answer, answered) = bounded(1);
    let asking = std::thread::Builder::new().name("tympan-ask".to_owned()).spawn(move || {
        let status = address(&arguments).and_then(|(address, token)| {
            exchange(&address, token.as_ref(), deadline).map_err(Failure::failed)
        });
        // nobody waits any more when the time is up
        let _ = answer.send(status);
    });
    asking.context("cannot start the thread that requests the status").map_err(Failure::failed)?;
    answered.recv_deadline(deadline + GRACE).unwrap_or_else(|_| Err(Failure::failed(timed_out())))
}

fn exchange(
    address: &Address,
    token: Option<&Token>,
    deadline: Instant,
) -> anyhow::Result<DaemonStatus> {
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let mut client = match Client::connect(address, token, Some(deadline)) {
        Ok(client) => client,
        Err(error) if is_late(&error) => return Err(timed_out()),
        Err(error) => {
            return Err(anyhow!(error).context(format!(
                "no daemon listens at {address}: is it running, and [output.unix] or [output.tcp] enabled? If its socket is elsewhere (`run --socket PATH`), say --connect PATH"
            )));
        }
    };
    client.status().map_err(|error| {
        let hint = match &error {
            ClientError::Io(error) if is_late(error) => return timed_out(),
            ClientError::Refused { detail } if detail.contains("token") => {
                "; it wants another token (--token-file, or token_file in [output.tcp])"
            }
            _ => "",
        };
        match hint {
            "" => anyhow!(error),
            hint => anyhow!("{error}{hint}"),
        }
        .context(format!("cannot read the status of the daemon at {address}"))
    })
}

fn timed_out() -> anyhow::Error {
    anyhow!("the daemon has not answered within {} s", TIMEOUT.as_secs())
}

fn in_words(status: &DaemonStatus) -> String {
    // another program may answer, with any text
    let (detail, device) = (printable(&status.detail), printable(&status.device));
    let (model, version) = (printable(&status.model), printable(&status.version));
    let mut text = String::new();
    let level = status.level_dbfs.map(|level| format!(", {level:.1} dBFS")).unwrap_or_default();
    let latency = &status.latency;
    let milli = |us: u64| us as f64 / 1000.0;
    let count = |name: &str| status.counters.get(name).copied().unwrap_or_default();
    // writing to a string never fails
    let _ = writeln!(text, "{} for {}: {}", status.state, age(status.state_s), detail);
    match &status.inputs[..] {
        [] | [_] => {
            let _ = writeln!(text, "source   {device} at {}{level}", status.sample_rate_hz);
        }
        several => several.iter().for_each(|input| text.push_str(&input_in_words(input))),
    }
    let _ = writeln!(text, "model    {model}");
    let _ = writeln!(
        text,
        "program  tympan {}, process {}, up {}",
        version,
        status.process,
        age(status.up_s)
    );
    let _ = writeln!(
        text,
        "latency  p50 {:.1} ms, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1} (the last {} windows)",
        milli(latency.p50_us),
        milli(latency.p90_us),
        milli(latency.p99_us),
        milli(latency.p999_us),
        milli(latency.max_us),
        latency.windows
    );
    let _ = writeln!(
        text,
        "captured {} samples, {} windows scored",
        count("samples_captured"),
        count("windows_scored")
    );
    let named = |is_wanted: &dyn Fn(&str) -> bool| {
        let counters = status.counters.iter();
        let wanted = counters.filter(|(name, count)| is_wanted(name) && **count > 0);
        wanted
            .map(|(name, count)| format!("{} {count}", printable(name)))
            .collect::<Vec<String>>()
            .join(", ")
    };
    let losses = named(&|name| !NO_LOSS.contains(&name));
    let nothing = if losses.is_empty() { "nothing" } else { "" };
    let _ = writeln!(text, "dropped  {nothing}{losses}");
    let others = named(&|name| OTHERS.contains(&name));
    if !others.is_empty() {
        let _ = writeln!(text, "also     {others}");
    }
    let sinks: Vec<String> = status.sinks.iter().map(sink_in_words).collect();
    let _ = writeln!(text, "outputs  {}", sinks.join(", "));
    if let Some(ReloadStatus { ago_s, detail, .. }) = &status.reload {
        let _ = writeln!(text, "reload   {} ago: {}", age(*ago_s), printable(detail));
    }
    text
}

fn input_in_words(input: &InputStatus) -> String {
    let (name, device) = (printable(&input.name), printable(&input.device));
    let level = input.level_dbfs.map(|level| format!(", {level:.1} dBFS")).unwrap_or_default();
    let state = match (input.has_ended, input.state) {
        (true, State::Lost) => "failed".to_owned(),
        (true, _) => "ended".to_owned(),
        (false, state) => format!("{state} for {}", age(input.state_s)),
    };
    format!("input    {name}: {state}, {device} at {}{level}\n", input.sample_rate_hz)
}

fn sink_in_words(sink: &SinkStatus) -> String {
    let state = match (sink.stalled_s, sink.is_failing) {
        (Some(seconds), _) => format!("stalled for {}", age(seconds)),
        (None, true) => "fails".to_owned(),
        (None, false) => "works".to_owned(),
    };
    let dropped = if sink.dropped > 0 {
        format!(" ({} records dropped)", sink.dropped)
    } else {
        String::new()
    };
    format!("{} {state}{dropped}", printable(&sink.name))
}

/// Two units at most: an age in days shows no seconds.
fn age(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
