//! An input device, found and not yet started. Used by the supervisor, at start and after a loss.

use cpal::traits::DeviceTrait;

use super::default_watch::DefaultWatch;
use super::devices::explain;
use super::devices::{absent, find};
use super::devices::{open_hosts, quietly};
use super::running::{RingSide, RunningMicrophone};
use super::spec::{DeviceChoice, MicrophoneSpec};
use super::stream_plan::StreamPlan;
use crate::domain::SampleRate;
use crate::sources::{CaptureCallback, RunningSource, SampleProducer, Source, SourceError};

/// An input device that has been found and not yet started.
pub struct Microphone {
    spec: MicrophoneSpec,
    plan: StreamPlan,
    /// Where the default device is looked for, if that is to be followed.
    host: Option<cpal::Host>,
}

impl Microphone {
    /// Finds the device that `spec` means and decides on channels, rate and format: its own, unless a rate is asked
    /// for.
    ///
    /// # Errors
    /// [`SourceError::HostUnavailable`], [`SourceError::DeviceNotFound`], [`SourceError::DeviceAmbiguous`],
    /// [`SourceError::NoDefaultDevice`]; [`SourceError::DeviceBusy`] and [`SourceError::PermissionDenied`] where the
    /// host reports them so early; [`SourceError::UnsupportedConfig`], [`SourceError::UnsupportedSampleFormat`],
    /// [`SourceError::NoSuchChannel`].
    pub fn open(spec: &MicrophoneSpec) -> Result<Self, SourceError> {
        quietly(|| {
            let hosts = open_hosts(spec.host)?;
            let (id, device) = find(&hosts, &spec.device)?;
            let own = match device.default_input_config() {
                Err(error) if error.kind() == cpal::ErrorKind::DeviceNotAvailable => {
                    return Err(absent(&hosts, &spec.device, &id, &error));
                }
                asked => asked.map_err(|error| {
                    explain(&id.to_string(), "a stream of its own format", &error)
                })?,
            };
            let plan = StreamPlan::decide(&id, device, own, spec)?;
            let follows = spec.follow_default && spec.device == DeviceChoice::Default;
            let host = hosts.into_iter().find(|host| follows && host.id() == id.host());
            Ok(Self { spec: spec.clone(), plan, host })
        })
    }

    /// The device's stable id, `host:device`: what a reopening should ask for.
    pub fn device_id(&self) -> &str {
        &self.plan.id
    }
}

impl Source for Microphone {
    fn name(&self) -> &str {
        "mic"
    }

    fn description(&self) -> String {
        self.plan.description()
    }

    fn sample_rate(&self) -> SampleRate {
        self.plan.rate
    }

    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let Self { spec, plan, host } = *self;
        let watch = host.map(|host| DefaultWatch::spawn(host, plan.id.clone()));
        let ring = RingSide { counters: producer.counters(), closer: producer.closer() };
        let capture = CaptureCallback::new(plan.channels, plan.selection, producer)?;
        let mut running = quietly(|| RunningMicrophone::start(plan, &spec, capture, ring))?;
        running.default_watch = watch;
        Ok(Box::new(running))
    }
}
