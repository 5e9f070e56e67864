//! The signals that end a command, or have the daemon read its configuration again. Set up by commands; heard on threads
//! of their own.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;

use super::Failure;

/// Calls `end` at every SIGINT, SIGTERM and SIGHUP.
///
/// # Errors
/// [`Failure`] when the system refuses the handlers.
pub fn on_end(end: impl Fn() + Send + Sync + 'static) -> Result<(), Failure> {
    let end = Arc::new(end);
    let on_signal = Arc::clone(&end);
    listen(move || end(), move |_| on_signal())
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

/// What a daemon is told by signals.
pub struct DaemonSignals {
    /// Set by SIGINT and SIGTERM; by SIGHUP too when that says that the terminal is gone.
    pub stop: Arc<AtomicBool>,
    /// Set by SIGHUP.
    pub reload: Arc<AtomicBool>,
}

impl DaemonSignals {
    /// Listens from now on.
    ///
    /// # Errors
    /// As [`on_end`].
    pub fn listen() -> Result<Self, Failure> {
        let signals = Self { stop: Arc::default(), reload: Arc::default() };
        let (interrupt, stop) = (Arc::clone(&signals.stop), Arc::clone(&signals.stop));
        let reload = Arc::clone(&signals.reload);
        let had_terminal = has_terminal();
        listen(
            move || set(&interrupt),
            move |signal| {
                let is_reload = signal == SIGHUP && has_terminal() == had_terminal;
                set(if is_reload { &reload } else { &stop });
            },
        )?;
        Ok(signals)
    }
}

/// A terminal that has been closed is none any more by the time it sends SIGHUP.
fn has_terminal() -> bool {
    std::io::stdin().is_terminal() || std::io::stdout().is_terminal()
}

fn set(flag: &AtomicBool) {
    // Relaxed: the flag guards nothing but itself; whoever asks looks again in a moment.
    flag.store(true, Ordering::Relaxed);
}

fn listen(
    interrupted: impl Fn() + Send + 'static,
    signalled: impl Fn(i32) + Send + 'static,
) -> Result<(), Failure> {
    let refused = |error: String| Failure::failed(anyhow!("cannot listen for signals: {error}"));
    ctrlc::set_handler(interrupted).map_err(|error| refused(error.to_string()))?;
    let mut signals =
        Signals::new([SIGTERM, SIGHUP]).map_err(|error| refused(error.to_string()))?;
    std::thread::Builder::new()
        .name("tympan-signals".to_owned())
        .spawn(move || signals.forever().for_each(signalled))
        .map_err(|error| refused(error.to_string()))?;
    Ok(())
}
