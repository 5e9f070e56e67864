//! What most commands begin with: the configuration, the bundle it names, and the rules that follow from both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use super::{Failure, logging};
use crate::assembly::Scorers;
use crate::config::{Config, ConfigError, Engine, Reading};
use crate::model::Model;
use crate::recognition::DetectorSpec;

/// The shipped bundle, below the working folder or below `share/tympan` of an installation.
const SHIPPED_BUNDLE: &str = "models/esc50";

/// This much audio that is exactly zero makes the input `silent`.
pub const SILENT_AFTER: Duration = Duration::from_secs(10);

/// A checked configuration, its bundle, and the detector's rules.
pub struct Setup {
    /// The configuration; what options changed is in it.
    pub config: Config,
    /// The model, and the engine that scores with it.
    pub scorers: Scorers,
    /// When events begin and end.
    pub detector: DetectorSpec,
}

impl Setup {
    /// Reads the configuration (the built-in one without `config`), loads the bundle (`model` wins over the
    /// configuration), and starts the log.
    ///
    /// # Errors
    /// [`Failure`]: every fault of the configuration at once, or what is wrong with the bundle.
    pub fn load(config: Option<&Path>, model: Option<&Path>) -> Result<Self, Failure> {
        Self::load_with(config, model, None)
    }

    /// As [`Self::load`], with another engine than the configuration's.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        config: Option<&Path>,
        model: Option<&Path>,
        engine: Option<Engine>,
    ) -> Result<Self, Failure> {
        Self::of(read(config)?, config, model, engine)
    }

    /// As [`Self::load`], for a daemon that runs with `in_force`: what seems to have been cut off, or cannot be read twice, is
    /// refused.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(
        config: Option<&Path>,
        model: Option<&Path>,
        in_force: &Config,
    ) -> Result<Self, Failure> {
        let reading = match config {
            Some(path) => Reading::reopen(path, in_force).map_err(unreadable)?,
            None => read(None)?,
        };
        Self::of(reading, config, model, None)
    }

    fn of(
        reading: Reading,
        config: Option<&Path>,
        model: Option<&Path>,
        engine: Option<Engine>,
    ) -> Result<Self, Failure> {
        logging::start(reading.config().log_level);
        let folder = match model {
            Some(model) => model.to_owned(),
            None if config.is_some() => reading.config().model.clone(),
            None => shipped_bundle(),
        };
        let engine = engine.unwrap_or(reading.config().engine);
        let torch_threads = reading.config().torch_threads;
        match Scorers::open(&folder, engine, torch_threads) {
            Ok(scorers) => {
                let (mut config, detector) =
                    reading.finish_for(&scorers.model().traits()).map_err(Failure::usage)?;
                (config.model, config.engine) = (folder, engine);
                Ok(Self { config, scorers, detector })
            }
            Err(missing) => match reading.finish() {
                Ok(_) => Err(Failure::device_or_model(missing)),
                Err(faults) => Err(Failure::usage(anyhow!("{faults}\n{missing}"))),
            },
        }
    }
}

impl Setup {
    /// The model.
    pub fn model(&self) -> &Model {
        self.scorers.model()
    }
}

/// Reads `config`, or the built-in configuration; its faults are still to be asked for.
///
/// # Errors
/// [`Failure`] when it cannot be read.
pub fn read(config: Option<&Path>) -> Result<Reading, Failure> {
    match config {
        Some(path) => Reading::open(path).map_err(unreadable),
        None => Ok(Reading::from_str("built-in configuration", Config::built_in_text())),
    }
}

fn unreadable(error: ConfigError) -> Failure {
    match error {
        ConfigError::Faulty(faults) => Failure::usage(faults),
        other => Failure::usage(anyhow::Error::from(other)),
    }
}

/// The shipped bundle: below the working folder, or else beside the installed program, so that
/// `tympan classify x.wav` works anywhere.
pub fn shipped_bundle() -> PathBuf {
    let here = PathBuf::from(SHIPPED_BUNDLE);
    if here.exists() {
        return here;
    }
    let installed = std::env::current_exe().ok().and_then(|program| {
        let prefix = program.parent()?.parent()?.to_owned();
        Some(prefix.join("share/tympan").join(SHIPPED_BUNDLE))
    });
    installed.filter(|folder| folder.exists()).unwrap_or(here)
}
