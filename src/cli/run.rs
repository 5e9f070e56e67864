//! `tympan run`: the daemon, and what its process asks of the system first.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::run_options::RunArguments;
use super::signals::DaemonSignals;
use super::{Failure, logging};
use crate::assembly::{DaemonControls, Scope, Setup, read_config};
use crate::sources::Pace;

/// Runs the daemon until it is stopped.
///
/// # Errors
/// [`Failure`] when it cannot begin, or fails.
pub fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let signals = DaemonSignals::install()?;
    let no_core = forbid_core_dumps();
    let descriptors = raise_descriptors();
    let reading = read_config(arguments.config.as_deref())?;
    logging::start(reading.config().log_level);
    if let Err(error) = no_core {
        log::warn!(
            "core dumps cannot be switched off ({error}); after a crash, one may hold audio"
        );
    }
    let (model, overrides) = (arguments.model.as_deref(), arguments.overrides());
    let setup = Setup::new(reading, model, overrides, Scope::Daemon)?;
    let daemon = setup.daemon(DaemonControls {
        source: arguments.source.clone(),
        pace: arguments.fast.then_some(Pace::AsFastAsPossible),
        config: arguments.config.clone(),
        model: arguments.model.clone(),
        descriptors,
        stop: signals.stop,
        reload: signals.reload,
    })?;
    // Relaxed: the flag guards nothing but itself.
    signals.has_started.store(true, Ordering::Relaxed);
    daemon.run().map(|_| ExitCode::SUCCESS).map_err(Failure::of_daemon)
}

/// What a process has where the system does not say.
const USUAL_DESCRIPTORS: u64 = 1024;

/// Forbids core dumps, which would hold the last seconds of audio: to files by the limit, and to whatever collects them by
/// taking the process out of what the kernel dumps. Nobody but root can read its memory any more, a debugger included.
///
/// # Errors
/// The system's own.
fn forbid_core_dumps() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)
}

/// Raises the limit on open files as far as this process may, and says how many they are.
fn raise_descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL_DESCRIPTORS };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}
