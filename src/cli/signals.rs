//! The signals that end a command, or have the daemon read its configuration again. Commands install the handlers, which
//! run on threads of their own.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;

use super::Failure;

/// How long a start may go on after it was asked to end: loading and opening look for that between their steps.
const START_TIMEOUT: Duration = Duration::from_secs(2);

/// A terminal that is closed is gone a moment after its SIGHUP, at the latest.
const HANGUP: Duration = Duration::from_millis(100);

/// The signals that a command handles.
const HANDLED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Holds the handled signals back until `release`: what comes before a handler stands waits for it.
pub fn hold() {
    let _ = set_of_handled().thread_block();
}

/// Lets the handled signals through on this thread, and on those that it starts.
pub fn release() {
    let _ = set_of_handled().thread_unblock();
}

fn set_of_handled() -> SigSet {
    HANDLED.into_iter().collect()
}

/// Calls `end` at every SIGINT, SIGTERM and SIGHUP.
///
/// # Errors
/// [`Failure`] when the system refuses the handlers.
pub fn on_end(end: impl Fn() + Send + Sync + 'static) -> Result<(), Failure> {
    let end = Arc::new(end);
    let on_signal = Arc::clone(&end);
    install_handlers(move || end(), move |_| on_signal())
}

/// A flag that SIGINT, SIGTERM and SIGHUP set.
///
/// # Errors
/// As [`on_end`].
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    on_end(move || set(&flag))?;
    Ok(stop)
}

/// The requests that a daemon receives as signals.
#[derive(Clone)]
pub struct DaemonSignals {
    /// Set by SIGINT and SIGTERM; by SIGHUP too when that says that the terminal is gone.
    pub stop: Arc<AtomicBool>,
    /// Set by SIGHUP.
    pub reload: Arc<AtomicBool>,
    /// To be set once the daemon itself looks at [`Self::stop`].
    pub has_started: Arc<AtomicBool>,
}

impl DaemonSignals {
    /// Installs the handlers. To be called before anything that takes time.
    ///
    /// # Errors
    /// As [`on_end`].
    pub fn install() -> Result<Self, Failure> {
        let signals =
            Self { stop: Arc::default(), reload: Arc::default(), has_started: Arc::default() };
        let (interrupted, signalled) = (signals.clone(), signals.clone());
        // under nohup, a terminal that goes is not to end it
        let had_terminal = has_terminal() && !ignores_hangup();
        install_handlers(
            move || interrupted.end(),
            move |signal| {
                if signal == SIGHUP && !(had_terminal && is_terminal_gone()) {
                    set(&signalled.reload);
                } else {
                    signalled.end();
                }
            },
        )?;
        release();
        Ok(signals)
    }

    /// Asks the daemon to stop. One that has not started yet has nothing to finish, and is not waited for.
    fn end(&self) {
        set(&self.stop);
        // Relaxed: see `set`.
        if !self.has_started.load(Ordering::Relaxed) {
            std::thread::sleep(START_TIMEOUT);
            // Relaxed: see `set`.
            if !self.has_started.load(Ordering::Relaxed) {
                log::info!("asked to stop while it was starting");
                std::process::exit(0);
            }
        }
    }
}

/// Whether this process has a controlling terminal, whatever its streams are.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

fn is_terminal_gone() -> bool {
    if has_terminal() {
        std::thread::sleep(HANGUP);
    }
    !has_terminal()
}

/// Whether SIGHUP was ignored when the program was started, as `nohup` does.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

fn set(flag: &AtomicBool) {
    // Relaxed: the flag guards nothing but itself; whoever asks looks again in a moment.
    flag.store(true, Ordering::Relaxed);
}

fn install_handlers(
    interrupted: impl Fn() + Send + 'static,
    signalled: impl Fn(i32) + Send + 'static,
) -> Result<(), Failure> {
    let refused =
        |error: String| Failure::failed(anyhow!("cannot install the signal handlers: {error}"));
    ctrlc::set_handler(interrupted).map_err(|error| refused(error.to_string()))?;
    let mut signals =
        Signals::new([SIGTERM, SIGHUP]).map_err(|error| refused(error.to_string()))?;
    std::thread::Builder::new()
        .name("tympan-signals".to_owned())
        .spawn(move || signals.forever().for_each(signalled))
        .map_err(|error| refused(error.to_string()))?;
    Ok(())
}
