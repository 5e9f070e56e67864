//! `tympan run`: the daemon, and what its process asks of the system first.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::reload::reload;
use super::run_options::{RunArguments, apply_options};
use super::setup::{SILENT_AFTER, Setup};
use super::signals::DaemonSignals;
use super::sinks::OpenOutputs;
use super::{Failure, clips, preflight, sinks, source_choice};
use crate::domain::Counters;
use crate::live::{Daemon, PipelineSpec, StatusBoard};
use crate::sources::Pace;

/// Runs the daemon until it is stopped.
///
/// # Errors
/// [`Failure`] when it cannot begin, or fails.
pub fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let signals = DaemonSignals::listen()?;
    let no_core = forbid_core_dumps();
    let descriptors = raise_descriptors();
    let Setup { mut config, scorers, detector } =
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
        scorer: scorers.scorer().map_err(Failure::device_or_model)?,
        sinks,
        outlets,
        tap,
        spec: PipelineSpec {
            featuriser: scorers.model().featuriser_spec(),
            smoothing: config.detector.smoothing,
            detector,
            veto,
            top: config.output.top_labels,
            overflow: opened.overflow,
            ring: config.source.ring,
            silent_after: SILENT_AFTER,
            device: opened.description,
            model: scorers.model().manifest().name.clone(),
            counters,
            board,
        },
        stop: signals.stop,
        on_window: None,
    };
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
