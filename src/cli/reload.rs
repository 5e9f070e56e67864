//! What a running daemon does at SIGHUP: configuration and bundle read again, all of it checked. Called by the daemon on a
//! thread of its own.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::run_options::{RunArguments, apply_options};
use super::setup::Setup;
use super::{Failure, clips};
use crate::config::Config;
use crate::live::{Reload, Reloaded};

/// How the daemon that `arguments` and `running` describe is reloaded.
pub fn reload(arguments: &RunArguments, running: &Config, requested: Arc<AtomicBool>) -> Reload {
    let (arguments, running) = (arguments.clone(), running.clone());
    // the one that was read last; not locked while another is read, which may hang
    let in_force = Mutex::new(running.clone());
    let read = move || {
        let last = || in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last().clone();
        let (reloaded, config) = read(&arguments, &running, &before)?;
        *last() = config;
        Ok(reloaded)
    };
    Reload { requested, read: Arc::new(read) }
}

fn read(
    arguments: &RunArguments,
    running: &Config,
    in_force: &Config,
) -> Result<(Reloaded, Config), String> {
    let Setup { mut config, scorers, detector } =
        Setup::reload(arguments.config.as_deref(), arguments.model.as_deref(), in_force)
            .map_err(|failure| failure.to_string())?;
    apply_options(&mut config, arguments);
    let veto = clips::veto(&running.clips, &detector).map_err(|failure| failure.to_string())?;
    let scorer = scorers.scorer().map_err(|error| Failure::device_or_model(error).to_string())?;
    let reloaded = Reloaded {
        featuriser: scorers.model().featuriser_spec(),
        scorer,
        smoothing: config.detector.smoothing,
        detector,
        veto,
        top: config.output.top_labels,
        model: scorers.model().manifest().name.clone(),
        needs_restart: needs_restart(running, &config),
    };
    Ok((reloaded, config))
}

/// The sections whose new values only a restart brings into force.
fn needs_restart(running: &Config, read: &Config) -> Vec<String> {
    let (was, is) = (&running.output, &read.output);
    let sections = [
        ("[source]", running.source != read.source),
        ("[output.stdout]", was.stdout != is.stdout),
        ("[output.log_file]", was.log_file != is.log_file),
        ("[output.unix]", was.unix != is.unix),
        ("[output.tcp]", was.tcp != is.tcp),
        ("[output.sockets]", was.sockets != is.sockets),
        ("[clips]", running.clips != read.clips),
        ("[runtime]", running.torch_threads != read.torch_threads),
        ("[log]", running.log_level != read.log_level),
    ];
    let changed = sections.into_iter().filter(|(_, differs)| *differs);
    changed.map(|(section, _)| section.to_owned()).collect()
}
