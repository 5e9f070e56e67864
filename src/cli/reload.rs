//! What a running daemon does at SIGHUP: configuration and bundle read again, all of it checked. Called by the daemon on a
//! thread of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::run::{RunArguments, apply_options};
use super::setup::Setup;
use super::{Failure, clips};
use crate::config::Config;
use crate::live::{Reload, Reloaded};
use crate::model::Schedule;

/// How the daemon that `arguments` and `running` describe is reloaded.
pub fn reload(arguments: &RunArguments, running: &Config, requested: Arc<AtomicBool>) -> Reload {
    let (arguments, running) = (arguments.clone(), running.clone());
    Reload { requested, read: Arc::new(move || read(&arguments, &running)) }
}

fn read(arguments: &RunArguments, running: &Config) -> Result<Reloaded, String> {
    let Setup { mut config, bundle, detector } =
        Setup::load(arguments.config.as_deref(), arguments.model.as_deref())
            .map_err(|failure| failure.to_string())?;
    apply_options(&mut config, arguments);
    let veto = clips::veto(&running.clips, &detector).map_err(|failure| failure.to_string())?;
    let scorer = bundle
        .scorer(Schedule::Incremental)
        .map_err(|error| Failure::device_or_model(error).to_string())?;
    Ok(Reloaded {
        featuriser: bundle.featuriser_spec(),
        scorer: Box::new(scorer),
        smoothing: config.detector.smoothing,
        detector,
        veto,
        top: config.output.top_labels,
        model: bundle.manifest.name.clone(),
        needs_restart: needs_restart(running, &config),
    })
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
