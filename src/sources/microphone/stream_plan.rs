//! Everything a stream is built from: device, rate, channels, format. Decided when a microphone is opened, used to build
//! its stream, and to build it again, on the supervisor's thread.

use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{BufferSize, DeviceId, FromSample, SampleFormat, SizedSample, StreamConfig};

use super::callbacks::{DataCallback, ErrorCallback};
use super::devices::explain;
use super::spec::MicrophoneSpec;
use crate::domain::SampleRate;
use crate::sources::{ChannelSelection, SourceError};

/// How long a host may take to set a stream up, and ALSA to notice an unplugged device.
const HOST_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything a stream is built from, so that it can be built again.
pub(super) struct StreamPlan {
    pub(super) id: String,
    pub(super) rate: SampleRate,
    pub(super) channels: u16,
    pub(super) selection: ChannelSelection,
    is_alsa: bool,
    format: SampleFormat,
    device: cpal::Device,
}

impl StreamPlan {
    pub(super) fn decide(
        id: &DeviceId,
        device: cpal::Device,
        own: cpal::SupportedStreamConfig,
        spec: &MicrophoneSpec,
    ) -> Result<Self, SourceError> {
        let name = id.to_string();
        let chosen = match spec.sample_rate {
            Some(rate) if rate.hz() != own.sample_rate() => at_rate(&name, &device, &own, rate)?,
            _ => own,
        };
        let rate = SampleRate::new(chosen.sample_rate())
            .map_err(|source| SourceError::BadRate { origin: name.clone(), source })?;
        if let ChannelSelection::One(channel) = spec.channels
            && channel >= chosen.channels()
        {
            return Err(SourceError::NoSuchChannel {
                origin: name,
                channel,
                channels: chosen.channels(),
            });
        }
        if chosen.sample_format().is_dsd() {
            let format = chosen.sample_format().to_string();
            return Err(SourceError::UnsupportedSampleFormat { device: name, format });
        }
        Ok(Self {
            rate,
            channels: chosen.channels(),
            selection: spec.channels,
            is_alsa: id.host() == cpal::HostId::Alsa,
            format: chosen.sample_format(),
            device,
            id: name,
        })
    }

    pub(super) fn description(&self) -> String {
        let channels = if self.channels == 1 { "channel" } else { "channels" };
        format!(
            "{} ({}): {}, {} {channels}, {}",
            self.device, self.id, self.rate, self.channels, self.format
        )
    }

    /// The buffer to ask for first.
    pub(super) fn buffer_for(&self, latency: Option<Duration>) -> BufferSize {
        let Some(latency) = latency else { return BufferSize::Default };
        let frames = u32::try_from(self.rate.samples_in(latency)).unwrap_or(u32::MAX).max(1);
        match u32::checked_next_power_of_two(frames) {
            // Sound cards take power-of-two periods; a server takes any.
            Some(rounded) if self.is_alsa => BufferSize::Fixed(rounded),
            _ => BufferSize::Fixed(frames),
        }
    }

    /// Builds a stream, not yet started. When that fails, dropping `on_data` has returned its handle.
    pub(super) fn build(
        &self,
        buffer: BufferSize,
        on_data: DataCallback,
        on_error: ErrorCallback,
    ) -> Result<cpal::Stream, SourceError> {
        let build = match self.format {
            SampleFormat::I8 => Self::build_as::<i8>,
            SampleFormat::I16 => Self::build_as::<i16>,
            SampleFormat::I24 => Self::build_as::<cpal::I24>,
            SampleFormat::I32 => Self::build_as::<i32>,
            SampleFormat::I64 => Self::build_as::<i64>,
            SampleFormat::U8 => Self::build_as::<u8>,
            SampleFormat::U16 => Self::build_as::<u16>,
            SampleFormat::U24 => Self::build_as::<cpal::U24>,
            SampleFormat::U32 => Self::build_as::<u32>,
            SampleFormat::U64 => Self::build_as::<u64>,
            SampleFormat::F32 => Self::build_as::<f32>,
            SampleFormat::F64 => Self::build_as::<f64>,
            other => {
                return Err(SourceError::UnsupportedSampleFormat {
                    device: self.id.clone(),
                    format: other.to_string(),
                });
            }
        };
        build(self, buffer, on_data, on_error)
            .map_err(|error| explain(&self.id, &self.description(), &error))
    }

    fn build_as<T>(
        &self,
        buffer: BufferSize,
        mut on_data: DataCallback,
        on_error: ErrorCallback,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let config = StreamConfig {
            channels: self.channels,
            sample_rate: self.rate.hz(),
            buffer_size: buffer,
        };
        self.device.build_input_stream(
            config,
            move |interleaved: &[T], info| {
                on_data.deliver(interleaved, info.timestamp().capture);
            },
            move |error| on_error.report(error),
            Some(HOST_TIMEOUT),
        )
    }
}

/// The device's best configuration at `rate`: its own channels and format if it offers them there.
fn at_rate(
    name: &str,
    device: &cpal::Device,
    own: &cpal::SupportedStreamConfig,
    rate: SampleRate,
) -> Result<cpal::SupportedStreamConfig, SourceError> {
    let wanted = rate.to_string();
    let offers: Vec<_> = device
        .supported_input_configs()
        .map_err(|error| explain(name, &wanted, &error))?
        .filter(|offer| !offer.sample_format().is_dsd())
        .collect();
    let likeness = |offer: &cpal::SupportedStreamConfigRange| {
        (offer.channels() == own.channels(), offer.sample_format() == own.sample_format())
    };
    offers
        .iter()
        .filter_map(|offer| Some((likeness(offer), offer.try_with_sample_rate(rate.hz())?)))
        .max_by_key(|(likeness, _)| *likeness)
        .map(|(_, config)| config)
        .ok_or_else(|| {
            let lowest = offers.iter().map(|offer| offer.min_sample_rate()).min().unwrap_or(0);
            let highest = offers.iter().map(|offer| offer.max_sample_rate()).max().unwrap_or(0);
            SourceError::UnsupportedConfig {
                device: name.to_owned(),
                wanted,
                reason: format!(
                    "it offers rates from {lowest} to {highest} Hz, its own is {} Hz",
                    own.sample_rate()
                ),
            }
        })
}
