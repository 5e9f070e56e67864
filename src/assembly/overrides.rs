//! What a command's options change in a configuration: when a daemon starts, and at every reload. Made by `run`.

use std::path::PathBuf;

use crate::config::{Config, Engine, StdoutConfig, StdoutFormat, UnixConfig};

/// Who may connect to a socket that only an option asks for: its owner and group.
const SOCKET_MODE: u32 = 0o660;

/// Values that win over the configuration's; an option about an output or about clips turns that on as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigOverrides {
    /// What scores windows.
    pub engine: Option<Engine>,
    /// Path of a Unix socket to serve.
    pub socket: Option<PathBuf>,
    /// Labels whose events are recorded into the folder of `[clips]`.
    pub save_clips: Vec<String>,
    /// The shape of standard output.
    pub stdout_format: Option<StdoutFormat>,
    /// Writes the scores of every window to standard output; false leaves that to the configuration.
    pub windows: bool,
}

impl ConfigOverrides {
    /// Changes `config`.
    pub fn apply(&self, config: &mut Config) {
        if let Some(engine) = self.engine {
            config.engine = engine;
        }
        if let Some(path) = &self.socket {
            let mode = config.output.unix.as_ref().map_or(SOCKET_MODE, |unix| unix.mode);
            config.output.unix = Some(UnixConfig { path: path.clone(), mode });
        }
        if !self.save_clips.is_empty() {
            config.clips.labels.clone_from(&self.save_clips);
            config.clips.enabled = true;
        }
        if self.stdout_format.is_none() && !self.windows {
            return;
        }
        let usual = StdoutConfig { format: StdoutFormat::Auto, windows: None };
        let stdout = config.output.stdout.get_or_insert(usual);
        if let Some(format) = self.stdout_format {
            stdout.format = format;
        }
        if self.windows {
            stdout.windows = Some(true);
        }
    }
}
