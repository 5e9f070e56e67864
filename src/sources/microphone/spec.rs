//! What the configuration says of the microphone. Made by `cli` and the configuration, read when the device is opened.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::SampleRate;
use crate::sources::ChannelSelection;

/// Which audio system captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostChoice {
    /// PulseAudio (or PipeWire's stand-in for it) if a server answers, else ALSA.
    #[default]
    Auto,
    /// ALSA: a device for oneself, or whatever ALSA's own configuration routes to.
    Alsa,
    /// The PulseAudio protocol: shared devices.
    PulseAudio,
}

impl FromStr for HostChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "alsa" => Ok(Self::Alsa),
            "pulseaudio" => Ok(Self::PulseAudio),
            other => Err(format!("host {other:?} is unknown; use auto, alsa or pulseaudio")),
        }
    }
}

/// Which device captures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The host's default.
    #[default]
    Default,
    /// A stable id as `tympan devices` lists it (with or without the host before it), or a part of a name or id that
    /// fits one device only.
    Named(String),
}

impl From<&str> for DeviceChoice {
    /// `default` and the empty text are the default.
    fn from(text: &str) -> Self {
        match text.trim() {
            "" | "default" => Self::Default,
            other => Self::Named(other.to_owned()),
        }
    }
}

/// How to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicrophoneSpec {
    /// Which audio system.
    pub host: HostChoice,
    /// Which device.
    pub device: DeviceChoice,
    /// Which of its channels.
    pub channels: ChannelSelection,
    /// How much audio a callback should bring; the host may round it or refuse, then its default is taken. None asks
    /// for the host's default at once.
    pub latency: Option<Duration>,
    /// The device's own rate if none: resampling is better done by tympan than by a driver.
    pub sample_rate: Option<SampleRate>,
    /// A stream that delivers nothing for this long is lost.
    pub silence_limit: Duration,
    /// Whether a default device that becomes another one is lost, so that the other is opened.
    pub follow_default: bool,
}

impl Default for MicrophoneSpec {
    /// The default device at its own rate, 10 ms a callback, lost after 2 s without one.
    fn default() -> Self {
        Self {
            host: HostChoice::default(),
            device: DeviceChoice::default(),
            channels: ChannelSelection::default(),
            latency: Some(Duration::from_millis(10)),
            sample_rate: None,
            silence_limit: Duration::from_secs(2),
            follow_default: false,
        }
    }
}
