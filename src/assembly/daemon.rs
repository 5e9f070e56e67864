//! A daemon with its source and outputs open, from what was checked together, and what it reads again at SIGHUP. Called by
//! `tympan run`, and by the daemon on a thread of its own.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::in_full;
use super::mqtt::{self, MqttContents};
use super::outputs::{OpenOutputs, OutputNeeds};
use super::probe::check_clips;
use super::sources::{OpenInputs, Playback, open_inputs};
use super::{
    AssemblyError, ConfigOverrides, ModuleTrust, Scope, Setup, SourceChoice, clips, outputs,
    read_config,
};
use crate::config::{Config, ParsedConfig};
use crate::domain::OutputCounters;
use crate::live::{Daemon, Reload, Reloaded, SharedStatus, StageTimes, WindowObserver};
use crate::sinks::{Measurements, MqttSink, Stage, TextClock};
use crate::sources::Pace;

/// What a command has a daemon do.
pub struct DaemonControls {
    /// The source; the configuration's choice without it.
    pub source: Option<SourceChoice>,
    /// The pace of recordings and of the demo; the configuration's without it.
    pub pace: Option<Pace>,
    /// How much of a recording, of standard input or of the demo is read; all of it without it.
    pub length: Option<Duration>,
    /// The configuration's file, read again at a reload.
    pub config: Option<PathBuf>,
    /// The bundle's folder, where it is not the configuration's.
    pub model: Option<PathBuf>,
    /// Files that this process may open.
    pub descriptors: u64,
    /// Ends the daemon.
    pub stop: Arc<AtomicBool>,
    /// Asks for a reload.
    pub reload: Arc<AtomicBool>,
}

impl Setup {
    /// A daemon, its source and outputs open.
    ///
    /// # Errors
    /// [`AssemblyError`]: a device, a file or an output that cannot be opened.
    pub fn daemon(self, controls: DaemonControls) -> Result<Daemon, AssemblyError> {
        let playback = Playback { pace: controls.pace, length: controls.length };
        let OpenInputs { mut inputs, overflow, is_recording } =
            open_inputs(controls.source.as_ref(), &self.config.inputs, playback)?;
        // of several recordings at once, places would be of different ones
        let clock = if is_recording && inputs.len() == 1 {
            TextClock::Recording { onset_windows: self.detector.settings().confirm_of }
        } else {
            TextClock::Wall
        };
        let counters = Arc::new(OutputCounters::default());
        let status = Arc::new(SharedStatus::default());
        let report = outputs::status_report(&status);
        let output = &self.config.output;
        let clips = Some(&self.config.clips).filter(|clips| clips.enabled);
        let clips = clips.map(|clips| clips.folder.as_path());
        let sources: Vec<_> = inputs.iter().map(|input| Arc::clone(&input.name)).collect();
        let measurements = Arc::new(Measurements::new(&sources));
        measurements.set_model(self.model_facts());
        let on_window = output.web.is_some().then(|| timing(&measurements));
        let names = sources.iter().map(|source| source.to_string()).collect();
        let needs = OutputNeeds {
            sources,
            clips,
            clock,
            descriptors: controls.descriptors,
            counters: &counters,
            status: report,
            measurements: &measurements,
        };
        let OpenOutputs { mut sinks, mut outlets } = outputs::open(output, needs)?;
        if let Some(mqtt) = &output.mqtt {
            let contents = MqttContents {
                sources: names,
                model: self.model().name(),
                labels: self.detector.labels(),
            };
            let spec = mqtt::spec(mqtt, contents, overflow)?;
            outlets.push(Box::new(MqttSink::open(spec, Arc::clone(&counters))?));
        }
        if let Some(folder) = clips::open(&self.config.clips, &mut inputs, overflow, &counters)? {
            sinks.push(Box::new(folder));
        }
        let spec = self.pipeline_spec(overflow, counters, status);
        let scorer = self.scorers.scorer_for(inputs.len())?;
        let reload = Reloader {
            config: controls.config,
            model: controls.model,
            overrides: self.overrides,
            running: self.config,
            module: self.scorers.module_sha256().map(str::to_owned),
            measurements,
        };
        Ok(Daemon {
            inputs,
            reload: Some(reload.on(controls.reload)),
            scorer,
            sinks,
            outlets,
            spec,
            stop: controls.stop,
            on_window,
        })
    }
}

/// Measures how long each stage takes for a window.
fn timing(measurements: &Arc<Measurements>) -> WindowObserver {
    let measurements = Arc::clone(measurements);
    Box::new(move |window, times| {
        let StageTimes { arrival, featured, taken, inferred, scored } = times;
        let spans = [
            (Stage::FrontEnd, arrival, featured),
            (Stage::HandOver, featured, taken),
            (Stage::Network, taken, inferred),
            (Stage::Recognition, inferred, scored),
            (Stage::All, arrival, scored),
        ];
        let spans = spans.map(|(stage, from, to)| (stage, to.saturating_duration_since(from)));
        measurements.time_window(&window.source, &spans);
    })
}

/// How a daemon's configuration came about.
pub(super) struct Reloader {
    /// Its file; none if it is the built-in one.
    pub(super) config: Option<PathBuf>,
    /// The bundle's folder, where it is not the configuration's.
    pub(super) model: Option<PathBuf>,
    pub(super) overrides: ConfigOverrides,
    /// What the daemon began with.
    pub(super) running: Config,
    /// The TorchScript module that it began with, by its hash: whoever named its bundle on the command line has seen no other.
    pub(super) module: Option<String>,
    /// Where the model is told of.
    pub(super) measurements: Arc<Measurements>,
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
        let trust = match &self.module {
            Some(sha256) if model.is_some() => ModuleTrust::Sha256(sha256.clone()),
            _ => ModuleTrust::Nobody,
        };
        let mut setup = Setup::with_trust(parsed, model, overrides, Scope::Recognition, trust)?;
        let config = setup.config.clone();
        // clips go on as they began
        setup.config.clips = self.running.clips.clone();
        check_clips(&setup.config, &setup.detector)?;
        self.measurements.set_model(setup.model_facts());
        let reloaded = Reloaded {
            recipe: setup.recipe(),
            scorer: setup.scorers.scorer_for(self.running.inputs.len())?,
            needs_restart: self.running.needs_restart(&config),
        };
        Ok((reloaded, config))
    }
}
