//! A real broker on a port of its own, killed and started at will.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{free_port, wait_until};
use crate::support::skipping::skipped;

/// Debian installs it where only root's path leads.
const PROGRAMS: [&str; 3] =
    ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];

pub struct Mosquitto {
    pub port: u16,
    folder: TempDir,
    process: Option<Child>,
}

/// Whether the broker remembers anything when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    Persistent,
    None,
}

impl Mosquitto {
    /// Started with the usual configuration; none where it is not installed, which is said.
    pub fn start(memory: Memory) -> Option<Self> {
        Self::start_with(memory, |_| "allow_anonymous true\n".to_owned())
    }

    /// Started with what `settings` makes of the broker's folder.
    pub fn start_with(memory: Memory, settings: impl Fn(&Path) -> String) -> Option<Self> {
        let mut broker = Self::prepared(memory, settings)?;
        broker.restart();
        Some(broker)
    }

    /// Not yet started.
    pub fn prepared(memory: Memory, settings: impl Fn(&Path) -> String) -> Option<Self> {
        if program().is_none() {
            skipped("there is no mosquitto here");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (at, port) = (folder.path(), free_port());
        let memory = match memory {
            Memory::None => "persistence false\n".to_owned(),
            Memory::Persistent => format!(
                "persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 200\n",
                at.display()
            ),
        };
        // what a broker has acknowledged and holds back from a subscriber dies with it; this one sends all at once
        let at_once = "max_inflight_messages 0\nmax_queued_messages 0\n";
        // mosquitto gives root's rights up unless it is told to keep them, and could not read the folder then
        let user = "user root\n";
        let text = format!("listener {port} 127.0.0.1\n{at_once}{user}{memory}{}", settings(at));
        fs::write(at.join("mosquitto.conf"), text).unwrap();
        Some(Self { port, folder, process: None })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it, or starts it again, at the same port.
    pub fn restart(&mut self) {
        self.kill();
        let mut process = Command::new(program().unwrap())
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = self.port;
        wait_until("mosquitto", || {
            assert_eq!(process.try_wait().unwrap(), None, "mosquitto did not start");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        self.process = Some(process);
    }

    /// Takes it away without a word.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Ends it in order, so that it writes down what it knows.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let id = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap());
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| Path::new(program).exists())
}
