//! `tympan check`: every fault of a configuration and of the bundle it names, without listening.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Failure, load_setup_with, output};
use crate::assembly::{ConfigOverrides, ModelError, Scope, Setup};

/// Arguments of `tympan check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Configuration file; without it the built-in one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
}

/// Checks, and says what was found good. What the microphone and the moment bring (a device that is away, an address that
/// another program uses) is left to `run`.
///
/// # Errors
/// [`Failure`] with every fault.
pub fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let (config, model) = (arguments.config.as_deref(), arguments.model.as_deref());
    let setup = load_setup_with(config, model, ConfigOverrides::default(), Scope::Daemon)?;
    let configuration = arguments
        .config
        .as_ref()
        .map_or_else(|| "built-in configuration".into(), |path| path.display().to_string());
    let (folder, bundle) = (setup.config.model.display(), bundle_in_words(&setup)?);
    output::print(&format!("{configuration}: good\n{folder}: good: {bundle}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Name, labels, windows and accuracy of a bundle; of a TorchScript module, whether it gives the scores that it should.
///
/// # Errors
/// [`ModelError`] when it gives others.
pub fn bundle_in_words(setup: &Setup) -> Result<String, ModelError> {
    let model = setup.model();
    let golden_windows = setup.scorers.check_golden()?;
    let rate = model.sample_rate();
    let window = model.featuriser_spec().window_samples(rate);
    let seconds = rate.duration_of(window).as_secs_f64();
    let labels = model.labels().len();
    let allowed = (0..labels).filter(|&label| setup.detector.is_allowed(label)).count();
    let figures = model.figures();
    let verified = match (setup.scorers.module_sha256(), golden_windows) {
        (None, _) => format!(
            "clip accuracy {:.1} % on {} clips",
            figures.clip_accuracy * 100.0,
            figures.clips
        ),
        (Some(_), None) => {
            "a TorchScript module without a recording of known scores to check it by".into()
        }
        (Some(_), Some(windows)) => {
            format!("a TorchScript module that gives {windows} windows their known scores")
        }
    };
    Ok(format!(
        "{}, {labels} labels ({allowed} may become events), windows of {seconds:.2} s every {:.0} ms at {rate}, {verified}",
        model.name(),
        model.traits().hop.as_secs_f64() * 1000.0,
    ))
}
