//! What commands that score recordings begin with: configuration and model, and the program's own log.

use std::path::Path;

use super::{Failure, logging};
use crate::assembly::{ConfigOverrides, Scope, Setup, read_config};

/// Reads the configuration (the built-in one without `config`), starts the log, and loads the model (`model` wins over the
/// configuration).
///
/// # Errors
/// [`Failure`]: every fault of the configuration at once, or what is wrong with the model.
pub fn load_setup(config: Option<&Path>, model: Option<&Path>) -> Result<Setup, Failure> {
    load_setup_with(config, model, ConfigOverrides::default(), Scope::Recognition)
}

/// As [`load_setup`], with options that win over the configuration, and with more of it checked.
///
/// # Errors
/// As [`load_setup`].
pub fn load_setup_with(
    config: Option<&Path>,
    model: Option<&Path>,
    overrides: ConfigOverrides,
    scope: Scope,
) -> Result<Setup, Failure> {
    let reading = read_config(config)?;
    logging::start(reading.config().log_level);
    Ok(Setup::new(reading, model, overrides, scope)?)
}
