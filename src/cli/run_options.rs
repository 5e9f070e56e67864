//! The arguments of `tympan run`, and what they change in a configuration: when the daemon starts, and at every reload.

use std::path::PathBuf;

use clap::Args;

use super::source_choice::SourceChoice;
use crate::config::{Config, StdoutConfig, StdoutFormat, UnixConfig};

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
    pub source: Option<SourceChoice>,
    /// As fast as can be heard instead of at real-time pace; loses nothing
    #[arg(long)]
    pub fast: bool,
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
