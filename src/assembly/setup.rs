//! A configuration, with what a command's options change in it, and the model it names, checked together. What every command
//! that scores begins with, and every reload; runs where it is called.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::mqtt::{self, MqttContents};
use super::sources::{OpenInputs, Playback, open_inputs};
use super::{AssemblyError, ModuleTrust, Scorers, SourceChoice, clips, probe, shipped_bundle};
use crate::config::{
    Config, ConfigError, ConfigProblems, Engine, ParsedConfig, StdoutConfig, StdoutFormat,
    UnixConfig,
};
use crate::domain::{OutputCounters, Overflow};
use crate::live::{DaemonInput, PipelineSpec, Recipe, SharedStatus};
use crate::model::Model;
use crate::recognition::{DetectorSpec, Recogniser, RecognitionRules};
use crate::sinks::{ModelFacts, MqttSpec};
use crate::sources::Pace;

/// Who may connect to a socket that only an option asks for: its owner and group.
const SOCKET_MODE: u32 = 0o660;
/// And to that of the daemon's own view: nobody else.
const VIEW_SOCKET_MODE: u32 = 0o600;

/// Values that win over the configuration's; an option about an output or about clips turns that on as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigOverrides {
    /// What scores windows.
    pub engine: Option<Engine>,
    /// Path of a Unix socket to serve.
    pub socket: Option<PathBuf>,
    /// Labels whose events are recorded into the folder of `[clips]`.
    pub save_clips: Vec<String>,
    /// The shape of standard output.
    pub stdout_format: Option<StdoutFormat>,
    /// Writes the scores of every window to standard output; false leaves that to the configuration.
    pub windows: bool,
    /// Leaves standard output to a view of the daemon, and serves the view here if there is no other Unix socket.
    pub view_socket: Option<PathBuf>,
}

impl ConfigOverrides {
    /// Changes `config`.
    pub fn apply(&self, config: &mut Config) {
        if let Some(engine) = self.engine {
            config.engine = engine;
        }
        if let Some(path) = &self.socket {
            let mode = config.output.unix.as_ref().map_or(SOCKET_MODE, |unix| unix.mode);
            config.output.unix = Some(UnixConfig { path: path.clone(), mode });
        }
        if !self.save_clips.is_empty() {
            config.clips.labels.clone_from(&self.save_clips);
            config.clips.enabled = true;
        }
        if let Some(path) = &self.view_socket {
            let own = || UnixConfig { path: path.clone(), mode: VIEW_SOCKET_MODE };
            config.output.unix.get_or_insert_with(own);
            config.output.stdout = None;
            return;
        }
        if self.stdout_format.is_none() && !self.windows {
            return;
        }
        let usual = StdoutConfig { format: StdoutFormat::Auto, windows: None };
        let stdout = config.output.stdout.get_or_insert(usual);
        if let Some(format) = self.stdout_format {
            stdout.format = format;
        }
        if self.windows {
            stdout.windows = Some(true);
        }
    }
}

/// This much audio that is exactly zero makes the input `silent`.
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// How much of a configuration has to be usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Model and rules: recordings are scored.
    Recognition,
    /// Outputs, clips and sources too: a daemon runs, or could.
    Daemon,
}

/// A checked configuration, its model, and the detector's rules.
pub struct Setup {
    /// The configuration; what was overridden is in it.
    pub config: Config,
    /// The model, and the engine that scores with it.
    pub scorers: Scorers,
    /// When events begin and end.
    pub detector: DetectorSpec,
    pub(super) overrides: ConfigOverrides,
}

impl Setup {
    /// Loads the bundle that `parsed` names (`model`, which somebody has named on a command line, wins over it) and checks all
    /// that `scope` asks for.
    ///
    /// # Errors
    /// [`AssemblyError`]: every fault of the configuration at once, or what is wrong with the model.
    pub fn new(
        parsed: ParsedConfig,
        model: Option<&Path>,
        overrides: ConfigOverrides,
        scope: Scope,
    ) -> Result<Self, AssemblyError> {
        let trust = if model.is_some() { ModuleTrust::Named } else { ModuleTrust::Nobody };
        Self::with_trust(parsed, model, overrides, scope, trust)
    }

    /// As [`Self::new`]; a TorchScript module that the configuration does not name may run if `trust` covers it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn with_trust(
        parsed: ParsedConfig,
        model: Option<&Path>,
        overrides: ConfigOverrides,
        scope: Scope,
        trust: ModuleTrust,
    ) -> Result<Self, AssemblyError> {
        let mut config = parsed.config().clone();
        overrides.apply(&mut config);
        if let Some(model) = model {
            config.model = model.to_owned();
        }
        let trust = config.torchscript.clone().map_or(trust, ModuleTrust::Sha256);
        let scorers = Scorers::open(&config.model, config.engine, config.torch_threads, &trust);
        let traits = scorers.as_ref().ok().map(|scorers| scorers.model().traits());
        let mut problems = parsed.problems(traits.as_ref());
        let detector = traits.as_ref().and_then(|traits| config.detector_spec(traits).ok());
        if scope == Scope::Daemon && parsed.is_toml() {
            problems.extend(probe::problems(&config, detector.as_ref()));
        }
        let problems = ConfigProblems::of(problems, parsed.text());
        let scorers = match scorers {
            Ok(scorers) if problems.0.is_empty() => scorers,
            Ok(_) => return Err(problems.into()),
            Err(model) if problems.0.is_empty() => return Err(model.into()),
            Err(model) => {
                let model = Box::new(model);
                return Err(AssemblyError::FaultyAndNoModel { problems, model });
            }
        };
        let detector = config.detector_spec(&scorers.model().traits())?;
        Ok(Self { config, scorers, detector, overrides })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.scorers.model()
    }

    /// What is told of the model to who monitors the daemon.
    pub(super) fn model_facts(&self) -> ModelFacts {
        let labels = self.detector.labels().iter().enumerate();
        let allowed = labels.filter(|(index, _)| self.detector.is_allowed(*index));
        ModelFacts {
            sha256: self.scorers.sha256().to_owned(),
            labels: allowed.map(|(_, label)| Arc::clone(label)).collect(),
        }
    }

    /// How scores become records that list `top_labels` labels.
    pub fn rules(&self, top_labels: usize) -> RecognitionRules {
        RecognitionRules {
            smoothing: self.config.detector.smoothing,
            detector: self.detector.clone(),
            denied_labels: clips::denied_labels(&self.config.clips, &self.detector),
            top_labels,
        }
    }

    /// How samples become records, but for the scorer.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            featuriser: self.model().featuriser_spec(),
            rules: self.rules(self.config.output.top_labels),
            model: self.model().name().to_owned(),
        }
    }

    /// A recogniser for recordings, whose records list `top_labels` labels; each recording brings its name and rate.
    ///
    /// # Errors
    /// [`AssemblyError::Model`] when libtorch fails.
    pub fn recogniser(&self, top_labels: usize) -> Result<Recogniser, AssemblyError> {
        let rate = self.model().sample_rate();
        Ok(Recogniser::new(self.scorers.scorer()?, self.rules(top_labels), "", rate)?)
    }

    /// The broker of `[output.mqtt]` with nothing to send, to see whether it can be used; none if there is none.
    ///
    /// # Errors
    /// [`AssemblyError`]: a password or certificates that cannot be read.
    pub fn broker(&self) -> Result<Option<MqttSpec>, AssemblyError> {
        let contents = MqttContents {
            sources: Vec::new(),
            model: self.model().name(),
            labels: self.detector.labels(),
        };
        let config = self.config.output.mqtt.as_ref();
        config.map(|config| mqtt::spec(config, contents, Overflow::DropNewest)).transpose()
    }

    /// The demo at real-time pace, and a pipeline for it.
    ///
    /// # Errors
    /// [`AssemblyError`] when it cannot be opened.
    pub fn demo(&self) -> Result<(DaemonInput, PipelineSpec), AssemblyError> {
        let demo = Some(&SourceChoice::Demo);
        let playback = Playback { pace: Some(Pace::RealTime), length: None };
        let OpenInputs { mut inputs, overflow, .. } =
            open_inputs(demo, &self.config.inputs, playback)?;
        let input = inputs.pop().ok_or(AssemblyError::NoFile)?;
        let (counters, status) = (Arc::default(), Arc::default());
        let spec = self.pipeline_spec(overflow, counters, status);
        Ok((input, spec))
    }

    pub(super) fn pipeline_spec(
        &self,
        overflow: Overflow,
        counters: Arc<OutputCounters>,
        status: Arc<SharedStatus>,
    ) -> PipelineSpec {
        PipelineSpec {
            recipe: self.recipe(),
            overflow,
            silent_after: SILENT_AFTER,
            counters,
            status,
        }
    }
}

/// Reads `config`, or the built-in configuration with the shipped bundle; its faults are still to be asked for.
///
/// # Errors
/// [`ConfigError`] when it cannot be read.
pub fn read_config(config: Option<&Path>) -> Result<ParsedConfig, ConfigError> {
    match config {
        Some(path) => ParsedConfig::open(path),
        None => {
            let text = Config::built_in_text();
            Ok(ParsedConfig::from_str("built-in configuration", text).with_model(shipped_bundle()))
        }
    }
}
