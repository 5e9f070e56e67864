//! `tympan run --live`: a daemon of this process, and the view of it. The daemon runs on a thread of its own; the view is a client
//! of its socket like any other.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow};
use tempfile::TempDir;

use super::view::{self, EventChannel};
use crate::cli::logging::HeldLog;
use crate::cli::{Failure, logging, output};
use crate::live::Daemon;
use crate::protocol::Address;
use crate::watch::{Connection, Event};

/// What a view needs before there is a daemon.
pub struct LiveView {
    channel: EventChannel,
    /// Where the daemon's socket is, unless it has another.
    folder: TempDir,
}

impl LiveView {
    /// A folder for the daemon's socket that nobody else can open.
    ///
    /// # Errors
    /// [`Failure`]: no terminal, no folder.
    pub fn prepare() -> Result<Self, Failure> {
        view::require_terminal("tympan run")?;
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("tympan-").permissions(private).tempdir();
        let folder =
            folder.context("cannot make a folder for the socket").map_err(Failure::failed)?;
        Ok(Self { channel: EventChannel::new(), folder })
    }

    /// Where the daemon may serve the view.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("tympan.sock")
    }

    /// Starts the log, which does not write over the screen: the view shows the newest line, and all are printed when the
    /// [`HeldLog`] is dropped.
    pub fn start_log(&self, level: log::LevelFilter) -> HeldLog {
        let events = self.channel.sender.clone();
        // a view that is behind does without
        logging::start_held(level, move |line| drop(events.try_send(Event::Log(line.to_owned()))))
    }

    /// Runs the daemon, which serves `socket`, and shows it until one of them ends; `stop` ends the daemon.
    ///
    /// # Errors
    /// [`Failure`] of the daemon, or of the terminal.
    pub fn show(
        self,
        daemon: Daemon,
        socket: &Path,
        stop: &Arc<AtomicBool>,
        log: HeldLog,
    ) -> Result<(), Failure> {
        let thread = std::thread::Builder::new().name("tympan-daemon".to_owned());
        let running = thread
            .spawn(move || daemon.run())
            .context("cannot start the daemon's thread")
            .map_err(Failure::failed)?;
        let address = Address::Unix(socket.to_owned());
        let connection = Connection { daemon: 0, address, token: None };
        let (settings, look) = (view::usual_settings(), view::look(None));
        let has_ended = || running.is_finished();
        let viewed = view::show(vec![connection], settings, &look, self.channel, has_ended);
        // Relaxed: the flag guards nothing but itself.
        stop.store(true, Ordering::Relaxed);
        let ended = running.join();
        drop(log);
        let ended = ended.map_err(|_| Failure::failed(anyhow!("the daemon's thread panicked")))?;
        ended.map_err(Failure::of_daemon)?;
        output::print(&format!("{}\n", viewed?.summary))
    }
}
