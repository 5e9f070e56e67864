//! An input device, found and not yet started. Used by the supervisor, at start and after a loss.

use cpal::traits::DeviceTrait;

use super::devices::{absent, find};
use super::hosts::{explain, open_hosts, quietly};
use super::running::{RingSide, RunningMicrophone};
use super::spec::MicrophoneSpec;
use super::stream_plan::StreamPlan;
use crate::domain::SampleRate;
use crate::sources::{CaptureCallback, RunningSource, SampleProducer, Source, SourceError};

/// An input device that has been found and not yet started.
pub struct Microphone {
    spec: MicrophoneSpec,
    plan: StreamPlan,
}

impl Microphone {
    /// Finds the device that `spec` means and decides on channels, rate and format: its own, unless a rate is asked
    /// for.
    ///
    /// # Errors
    /// [`SourceError::HostUnavailable`], [`SourceError::DeviceNotFound`], [`SourceError::DeviceAmbiguous`],
    /// [`SourceError::NoDefaultDevice`]; [`SourceError::DeviceBusy`] and [`SourceError::PermissionDenied`] where the
    /// host tells them so early; [`SourceError::UnsupportedConfig`], [`SourceError::UnsupportedSampleFormat`],
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
            Ok(Self { spec: spec.clone(), plan })
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
        let Self { spec, plan } = *self;
        let ring = RingSide { counters: producer.counters(), closer: producer.closer() };
        let capture = CaptureCallback::new(plan.channels, plan.selection, producer)?;
        let running = quietly(|| RunningMicrophone::start(plan, &spec, capture, ring))?;
        Ok(Box::new(running))
    }
}
