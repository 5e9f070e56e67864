//! `tympan run`: its arguments, what its process asks of the system first, and the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::signals::DaemonSignals;
use super::watch::LiveView;
use super::{Failure, logging};
use crate::assembly::{ConfigOverrides, DaemonControls, Scope, Setup, SourceChoice, read_config};
use crate::config::StdoutFormat;
use crate::sources::Pace;

/// Arguments of `tympan run`.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// Configuration file; without it the built-in one, which is the repository's config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What to capture; the configuration's choice without it
    #[arg(
        long,
        value_name = "SOURCE",
        help = "What to capture: microphone[:ID], file:PATH, stdin[:FORMAT:RATE:CHANNELS] or demo"
    )]
    pub source: Option<SourceChoice>,
    /// Process at full speed instead of real time; never drops audio. The demo ends after one round then
    #[arg(long)]
    pub fast: bool,
    /// End after so many seconds of the demo, a recording or standard input
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// How standard output looks: text or jsonl; by default text on a terminal, JSON Lines elsewhere
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Serve a Unix socket here, as [output.unix] does
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Labels to record
    #[arg(
        long,
        value_name = "LABEL,...",
        value_delimiter = ',',
        help = "Record events of these labels into the folder of [clips]; nothing is recorded without it or [clips]"
    )]
    save_clips: Vec<String>,
    /// Write the scores of every window to standard output, also as text
    #[arg(long)]
    windows: bool,
    /// Show level, spectrogram, labels and events instead of text, as `tympan watch` does
    #[arg(long, conflicts_with_all = ["format", "windows"])]
    live: bool,
}

/// How standard output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// JSON Lines
    Jsonl,
}

impl From<Format> for StdoutFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Jsonl => Self::JsonLines,
        }
    }
}

impl RunArguments {
    /// What the options change in a configuration.
    pub fn overrides(&self) -> ConfigOverrides {
        ConfigOverrides {
            engine: None,
            socket: self.socket.clone(),
            save_clips: self.save_clips.clone(),
            stdout_format: self.format.map(StdoutFormat::from),
            windows: self.windows,
            view_socket: None,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds
        .filter(|it| !it.is_zero())
        .ok_or_else(|| "it has to be a number above 0, such as 60".to_owned())
}

/// Runs the daemon until it is stopped.
///
/// # Errors
/// [`Failure`] when it cannot begin, or fails.
pub fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let view = arguments.live.then(LiveView::prepare).transpose()?;
    let signals = DaemonSignals::install()?;
    let no_core_dumps = forbid_core_dumps();
    let descriptors = raise_descriptors();
    let reading = read_config(arguments.config.as_deref())?;
    let level = reading.config().log_level;
    let held_log = view.as_ref().map(|view| view.start_log(level));
    if view.is_none() {
        logging::start(level);
    }
    no_core_dumps.unwrap_or_else(warn_of_core_dumps);
    let view_socket = view.as_ref().map(LiveView::socket);
    let overrides = ConfigOverrides { view_socket, ..arguments.overrides() };
    let setup = Setup::new(reading, arguments.model.as_deref(), overrides, Scope::Daemon)?;
    let served = setup.config.output.unix.as_ref().map(|unix| unix.path.clone());
    let daemon = setup.daemon(DaemonControls {
        source: arguments.source.clone(),
        pace: arguments.fast.then_some(Pace::AsFastAsPossible),
        length: arguments.seconds,
        config: arguments.config.clone(),
        model: arguments.model.clone(),
        descriptors,
        stop: Arc::clone(&signals.stop),
        reload: signals.reload,
    })?;
    // Relaxed: the flag guards nothing but itself.
    signals.has_started.store(true, Ordering::Relaxed);
    match (view, served, held_log) {
        (Some(view), Some(socket), Some(log)) => view.show(daemon, &socket, &signals.stop, log)?,
        _ => {
            daemon.run().map_err(Failure::of_daemon)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a process has where the system does not say.
const USUAL_DESCRIPTORS: u64 = 1024;

/// Forbids core dumps, which would hold the last seconds of audio: to files by the limit, and to whatever collects them by
/// taking the process out of what the kernel dumps. Nobody but root can read its memory any more, a debugger included.
///
/// # Errors
/// The system's own.
pub fn forbid_core_dumps() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)
}

/// Logs that there may be one, once there is a log.
pub fn warn_of_core_dumps(error: nix::Error) {
    log::warn!("core dumps cannot be switched off ({error}); after a crash, one may hold audio");
}

/// Raises the limit on open files as far as this process may, and says how many they are.
fn raise_descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL_DESCRIPTORS };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}
