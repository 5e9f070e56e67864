//! What a running daemon does at SIGHUP: configuration and bundle read again, all of it checked. Called by the daemon on a
//! thread of its own.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::in_full;
use super::probe::check_clips;
use super::{AssemblyError, ConfigOverrides, Scope, Setup, read_config};
use crate::config::{Config, ParsedConfig};
use crate::live::{Reload, Reloaded};

/// How a daemon's configuration came about.
pub(super) struct Reloader {
    /// Its file; none if it is the built-in one.
    pub(super) config: Option<PathBuf>,
    /// The bundle's folder, where it is not the configuration's.
    pub(super) model: Option<PathBuf>,
    pub(super) overrides: ConfigOverrides,
    /// What the daemon began with.
    pub(super) running: Config,
}

impl Reloader {
    /// A reload whenever it is `requested`.
    pub(super) fn on(self, requested: Arc<AtomicBool>) -> Reload {
        // the one that was read last; not locked while another is read, which may hang
        let active = Mutex::new(self.running.clone());
        let read = move || {
            let last = || active.lock().unwrap_or_else(PoisonError::into_inner);
            let before = last().clone();
            let (reloaded, config) = self.read(&before).map_err(|error| in_full(&error))?;
            *last() = config;
            Ok(reloaded)
        };
        Reload { requested, read: Arc::new(read) }
    }

    fn read(&self, active: &Config) -> Result<(Reloaded, Config), AssemblyError> {
        let parsed = match &self.config {
            Some(path) => ParsedConfig::reopen(path, active)?,
            None => read_config(None)?,
        };
        let (model, overrides) = (self.model.as_deref(), self.overrides.clone());
        let mut setup = Setup::new(parsed, model, overrides, Scope::Recognition)?;
        let config = setup.config.clone();
        // clips go on as they began
        setup.config.clips = self.running.clips.clone();
        check_clips(&setup.config, &setup.detector)?;
        let reloaded = Reloaded {
            recipe: setup.recipe(),
            scorer: setup.scorers.scorer()?,
            needs_restart: self.running.needs_restart(&config),
        };
        Ok((reloaded, config))
    }
}
