//! The arguments of `tympan run`, and what they change in a configuration.

use std::path::PathBuf;

use clap::Args;

use crate::assembly::{ConfigOverrides, SourceChoice};
use crate::config::StdoutFormat;

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
    /// Process at full speed instead of real time; never drops audio
    #[arg(long)]
    pub fast: bool,
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
        }
    }
}
