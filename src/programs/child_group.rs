//! A program in a process group of its own, so that whatever it starts itself ends with it. Owned by whoever started it.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a program has to end after SIGTERM; then it is killed.
const TERM_PATIENCE: Duration = Duration::from_millis(300);

/// A killed process is gone at once, unless it hangs in its kernel: then it is left behind.
const KILL_PATIENCE: Duration = Duration::from_millis(200);

/// From one look at a process to the next.
const LOOK: Duration = Duration::from_millis(2);

/// A program and whatever it has started itself. Dropping it ends all of them.
pub struct ChildGroup {
    child: Child,
    terminated_at: Option<Instant>,
    is_reaped: bool,
}

impl ChildGroup {
    /// Starts `command`, which is no part of the service manager's talk with tympan.
    ///
    /// # Errors
    /// The system's: no such program, no process left.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.env_remove("NOTIFY_SOCKET").process_group(0).spawn()?;
        Ok(Self { child, terminated_at: None, is_reaped: false })
    }

    /// The ends of its pipes, where it has some: standard input, output and error. Each is given once.
    pub fn take_pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    /// Asks all of them to end, once.
    pub fn terminate(&mut self) {
        if self.terminated_at.is_none() {
            self.signal(Signal::SIGTERM);
            self.terminated_at = Some(Instant::now());
        }
    }

    /// How the program itself ended, if it does until then.
    pub fn wait_until(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.is_reaped = true;
                    return Some(status);
                }
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
                _ => return None,
            }
        }
    }

    /// It may have ended already.
    fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        self.terminate();
        let terminated_at = self.terminated_at.unwrap_or_else(Instant::now);
        self.wait_until(terminated_at + TERM_PATIENCE);
        // also what the program has left behind, while its group is still its own
        self.signal(Signal::SIGKILL);
        if !self.is_reaped && self.wait_until(Instant::now() + KILL_PATIENCE).is_none() {
            log::warn!("process {} hangs in its kernel and is left behind", self.child.id());
        }
    }
}

/// How a program ended.
pub fn exit_in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended".to_owned(),
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
