//! `tympan run`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;

use super::reload::reload;
use super::setup::Setup;
use super::signals::{self, DaemonSignals};
use super::sinks::OpenOutputs;
use super::source_choice::{self, SourceChoice};
use super::{
    Arguments, Command, Failure, bench, check, classify, clips, devices, eval, plot, preflight,
    process, sinks, status, train,
};
use crate::config::{Config, StdoutConfig, StdoutFormat, UnixConfig};
use crate::domain::Counters;
use crate::live::{Daemon, LiveError, PipelineSpec, StatusBoard};
use crate::model::Schedule;
use crate::sources::Pace;

/// This much audio that is exactly zero makes the input `silent`.
pub const SILENT_AFTER: Duration = Duration::from_secs(10);

/// Arguments of `tympan run`.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// Configuration file; without it the built-in one, which is the repository's config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What to listen to; the configuration's choice without it
    #[arg(
        long,
        value_name = "SOURCE",
        help = "What to listen to: microphone[:ID], file:PATH, stdin[:FORMAT:RATE:CHANNELS] or demo"
    )]
    source: Option<SourceChoice>,
    /// As fast as can be heard instead of at real-time pace; loses nothing
    #[arg(long)]
    fast: bool,
    /// How standard output looks: text or jsonl; by default text on a terminal, JSON Lines elsewhere
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Serve a Unix socket here, as [output.unix] does
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Record events of these labels into the folder of [clips]; nothing is recorded without it or [clips]
    #[arg(long, value_name = "LABEL,...", value_delimiter = ',')]
    save_clips: Vec<String>,
    /// Write the scores of every window to standard output, also as text
    #[arg(long)]
    windows: bool,
}

/// How standard output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// JSON Lines
    Jsonl,
}

/// Runs whichever command was given.
///
/// # Errors
/// [`Failure`], to be reported by the caller.
pub fn run_command(arguments: Arguments) -> Result<ExitCode, Failure> {
    if !matches!(arguments.command, Command::Run(_)) {
        signals::release();
    }
    match arguments.command {
        Command::Run(arguments) => run(&arguments),
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

fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let signals = DaemonSignals::listen()?;
    let no_core = process::forbid_core_dumps();
    let descriptors = process::raise_descriptors();
    let Setup { mut config, bundle, detector } =
        Setup::load(arguments.config.as_deref(), arguments.model.as_deref())?;
    if let Err(error) = no_core {
        log::warn!(
            "core dumps cannot be switched off ({error}); after a crash, one may hold audio"
        );
    }
    apply_options(&mut config, arguments);
    preflight::check(&config, &detector).map_err(Failure::usage)?;
    let pace = arguments.fast.then_some(Pace::AsFastAsPossible);
    let opened = source_choice::open(arguments.source.as_ref(), &config.source, pace)?;
    let counters = Arc::new(Counters::default());
    let board = Arc::new(StatusBoard::default());
    let OpenOutputs { mut sinks, outlets } = sinks::open(
        &config.output,
        descriptors,
        &counters,
        sinks::status_report(&board, &counters),
    )?;
    let veto = clips::veto(&config.clips, &detector)?;
    let tap = clips::open(&config.clips, opened.source.sample_rate(), opened.overflow, &counters)?;
    let tap = tap.map(|(folder, tap)| {
        sinks.push(Box::new(folder));
        tap
    });
    let daemon = Daemon {
        source: opened.source,
        reopen: opened.reopen,
        reload: Some(reload(arguments, &config, signals.reload)),
        scorer: Box::new(bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?),
        sinks,
        outlets,
        tap,
        spec: PipelineSpec {
            featuriser: bundle.featuriser_spec(),
            smoothing: config.detector.smoothing,
            detector,
            veto,
            top: config.output.top_labels,
            overflow: opened.overflow,
            ring: config.source.ring,
            silent_after: SILENT_AFTER,
            device: opened.description,
            model: bundle.manifest.name.clone(),
            counters,
            board,
        },
        stop: signals.stop,
        on_window: None,
    };
    // Relaxed: the flag guards nothing but itself.
    signals.has_started.store(true, Ordering::Relaxed);
    daemon.run().map(|_| ExitCode::SUCCESS).map_err(failure_of)
}

/// Who may connect to a socket that only an option asks for: its owner and group.
const SOCKET_MODE: u32 = 0o660;

/// An option about an output or about clips turns that on as well.
pub fn apply_options(config: &mut Config, arguments: &RunArguments) {
    if let Some(path) = &arguments.socket {
        let mode = config.output.unix.as_ref().map_or(SOCKET_MODE, |unix| unix.mode);
        config.output.unix = Some(UnixConfig { path: path.clone(), mode });
    }
    if !arguments.save_clips.is_empty() {
        config.clips.labels.clone_from(&arguments.save_clips);
        config.clips.enabled = true;
    }
    if arguments.format.is_none() && !arguments.windows {
        return;
    }
    let stdout = config
        .output
        .stdout
        .get_or_insert(StdoutConfig { format: StdoutFormat::Auto, windows: None });
    match arguments.format {
        Some(Format::Text) => stdout.format = StdoutFormat::Text,
        Some(Format::Jsonl) => stdout.format = StdoutFormat::JsonLines,
        None => {}
    }
    if arguments.windows {
        stdout.windows = Some(true);
    }
}

/// The exit code of a daemon that ended otherwise than well.
pub fn failure_of(error: LiveError) -> Failure {
    match error {
        LiveError::Features(_)
        | LiveError::Recognition(_)
        | LiveError::Scorer(_)
        | LiveError::SourceStart(_)
        | LiveError::SourceLost { .. } => Failure::device_or_model(error),
        _ => Failure::failed(error),
    }
}
