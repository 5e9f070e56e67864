//! A daemon with its source and outputs open, from what was checked together. Called by `tympan run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::outputs::OpenOutputs;
use super::reload::Reloader;
use super::sources::{OpenSource, open_source};
use super::{AssemblyError, Setup, SourceChoice, clips, outputs};
use crate::domain::{OutputCounters, SampleRate};
use crate::live::{Daemon, SharedStatus};
use crate::sources::Pace;

/// What a command has a daemon do.
pub struct DaemonControls {
    /// The source; the configuration's choice without it.
    pub source: Option<SourceChoice>,
    /// The pace of recordings and of the demo; the configuration's without it.
    pub pace: Option<Pace>,
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
        let OpenSource { mut input, overflow } =
            open_source(controls.source.as_ref(), &self.config.source, controls.pace)?;
        let counters = Arc::new(OutputCounters::default());
        let status = Arc::new(SharedStatus::default());
        let report = outputs::status_report(&status);
        let OpenOutputs { mut sinks, outlets } =
            outputs::open(&self.config.output, controls.descriptors, &counters, report)?;
        let rate: SampleRate = input.source.sample_rate();
        let tap = clips::open(&self.config.clips, rate, overflow, &counters)?;
        if let Some((folder, tap)) = tap {
            sinks.push(Box::new(folder));
            input.tap = Some(tap);
        }
        let spec = self.pipeline_spec(overflow, counters, status);
        let scorer = self.scorers.scorer()?;
        let reload = Reloader {
            config: controls.config,
            model: controls.model,
            overrides: self.overrides,
            running: self.config,
        };
        Ok(Daemon {
            inputs: vec![input],
            reload: Some(reload.on(controls.reload)),
            scorer,
            sinks,
            outlets,
            spec,
            stop: controls.stop,
            on_window: None,
        })
    }
}
