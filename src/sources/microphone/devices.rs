//! Opens the audio hosts that are asked for, with ALSA's chatter kept off standard error; lists their input devices, and finds
//! the one that is meant. Feeds `tympan devices` and the opening of a microphone, on the supervisor's thread.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{DeviceId, ErrorKind, Host, HostId};

use super::{DeviceChoice, HostChoice};
use crate::sources::SourceError;

/// The hosts to look in, best first; never empty.
///
/// # Errors
/// [`SourceError::HostUnavailable`] when a host is named and does not answer.
pub(super) fn open_hosts(choice: HostChoice) -> Result<Vec<Host>, SourceError> {
    match choice {
        HostChoice::Alsa => Ok(vec![open_host(HostId::Alsa)?]),
        HostChoice::PulseAudio => Ok(vec![open_host(HostId::PulseAudio)?]),
        HostChoice::Auto => {
            let mut hosts = Vec::new();
            match cpal::host_from_id(HostId::PulseAudio) {
                Ok(host) => hosts.push(host),
                Err(error) => log::info!("no PulseAudio server ({error}); capturing through ALSA"),
            }
            hosts.push(open_host(HostId::Alsa)?);
            Ok(hosts)
        }
    }
}

fn open_host(id: HostId) -> Result<Host, SourceError> {
    cpal::host_from_id(id).map_err(|ref error| SourceError::HostUnavailable {
        host: id.to_string(),
        reason: plain(error),
    })
}

/// Runs `body` with what ALSA prints on this thread going to the debug log instead of standard error.
pub(super) fn quietly<T>(body: impl FnOnce() -> T) -> T {
    let chatter = alsa::Output::local_error_handler();
    let result = body();
    if let Ok(chatter) = chatter {
        let text = chatter.borrow().to_string();
        for line in text.lines() {
            log::debug!("ALSA: {line}");
        }
    }
    result
}

/// The host's words without their full stop, to stand within a sentence.
pub(super) fn plain(error: &cpal::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

/// What ALSA lists beside devices: converters that need a device below them, bridges that print when probed, silence.
/// They are left out of lists, and taken when asked for by their id.
const ALSA_PLUGINS: [&str; 9] =
    ["null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "jack", "oss"];

/// Channels, rate and sample format of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputConfig {
    /// Channels of a frame.
    pub channels: u16,
    /// Frames a second.
    pub rate_hz: u32,
    /// The sample format's name, such as `i16`.
    pub format: String,
}

/// An input device, as `tympan devices` shows it.
#[derive(Debug, Clone)]
pub struct InputDevice {
    /// `alsa` or `pulseaudio`.
    pub host: String,
    /// The stable id, to be given in the configuration: `host:device`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether it is what its host takes by default.
    pub is_default: bool,
    /// What it delivers unless asked otherwise, or why that is unknown (it is busy, say).
    pub default_config: Result<InputConfig, String>,
    /// Channels it can deliver, none if it cannot be asked.
    pub channels: Option<RangeInclusive<u16>>,
    /// Rates it can deliver, in Hz, none if it cannot be asked.
    pub rates_hz: Option<RangeInclusive<u32>>,
    /// Sample formats it can deliver.
    pub formats: Vec<String>,
}

/// Every input device of the chosen hosts; those that cannot be opened are listed with the reason.
///
/// # Errors
/// [`SourceError::HostUnavailable`] when a host is named and does not answer.
pub fn devices(choice: HostChoice) -> Result<Vec<InputDevice>, SourceError> {
    quietly(|| {
        let mut listed = Vec::new();
        for host in open_hosts(choice)? {
            let default = host.default_input_device().and_then(|device| device.id().ok());
            for (id, device) in inputs(&host) {
                let is_default = default.as_ref() == Some(&id);
                listed.push(describe(&id, &device, is_default));
            }
        }
        Ok(listed)
    })
}

/// Looks for the device in each host in turn.
pub(super) fn find(
    hosts: &[Host],
    choice: &DeviceChoice,
) -> Result<(DeviceId, cpal::Device), SourceError> {
    let DeviceChoice::Named(wanted) = choice else { return default_of(hosts) };
    let mut available = Vec::new();
    for host in hosts {
        let prefix = format!("{}:", host.id());
        let bare = wanted.strip_prefix(&prefix).unwrap_or(wanted);
        let exact = DeviceId::new(host.id(), bare);
        let inputs = inputs(host);
        if let Some(found) = inputs.iter().find(|(id, _)| *id == exact) {
            return Ok(found.clone());
        }
        // ALSA knows devices by further names: card and device numbers.
        if let Some(device) = host.device_by_id(&exact).filter(DeviceTrait::supports_input) {
            return Ok((exact, device));
        }
        let needle = wanted.to_lowercase();
        let fits = |id: &DeviceId, device: &cpal::Device| {
            format!("{id} {device}").to_lowercase().contains(&needle)
        };
        let matches: Vec<_> = inputs.iter().filter(|(id, device)| fits(id, device)).collect();
        match matches[..] {
            [] => available.extend(inputs),
            [only] => return Ok(only.clone()),
            _ => {
                return Err(SourceError::DeviceAmbiguous {
                    wanted: wanted.clone(),
                    matches: lines(&matches.into_iter().cloned().collect::<Vec<_>>()),
                });
            }
        }
    }
    Err(SourceError::DeviceNotFound { wanted: wanted.clone(), available: lines(&available) })
}

/// What `choice` means cannot be opened, although its host named it: an error that lists the others.
pub(super) fn absent(
    hosts: &[Host],
    choice: &DeviceChoice,
    id: &DeviceId,
    why: &cpal::Error,
) -> SourceError {
    let mut others: Vec<_> = hosts.iter().flat_map(inputs).collect();
    others.retain(|(other, _)| other != id);
    let available = lines(&others);
    match choice {
        DeviceChoice::Named(wanted) => {
            SourceError::DeviceNotFound { wanted: wanted.clone(), available }
        }
        DeviceChoice::Default => {
            SourceError::NoDefaultDevice { reason: format!("{id}: {}", plain(why)), available }
        }
    }
}

/// Every input of every host that answers, one a line, for an error to list.
pub(super) fn everything() -> String {
    let hosts = open_hosts(HostChoice::Auto).unwrap_or_default();
    lines(&hosts.iter().flat_map(inputs).collect::<Vec<_>>())
}

/// What cpal's error means for whoever wants `device`.
pub(super) fn explain(device: &str, wanted: &str, error: &cpal::Error) -> SourceError {
    let (device, reason) = (device.to_owned(), plain(error));
    match error.kind() {
        ErrorKind::DeviceBusy => {
            SourceError::DeviceBusy { available: everything(), device, reason }
        }
        ErrorKind::PermissionDenied => SourceError::PermissionDenied { device, reason },
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
            SourceError::DeviceLost { device, reason }
        }
        ErrorKind::HostUnavailable => SourceError::HostUnavailable { host: device, reason },
        ErrorKind::UnsupportedConfig
        | ErrorKind::UnsupportedOperation
        | ErrorKind::InvalidInput => {
            SourceError::UnsupportedConfig { device, wanted: wanted.to_owned(), reason }
        }
        _ => SourceError::DeviceFailed { device, reason },
    }
}

fn lines(devices: &[(DeviceId, cpal::Device)]) -> String {
    if devices.is_empty() {
        return "  (none)".to_owned();
    }
    devices.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line((id, device): &(DeviceId, cpal::Device)) -> String {
    format!("  {id}  ({device})")
}

fn default_of(hosts: &[Host]) -> Result<(DeviceId, cpal::Device), SourceError> {
    let mut reasons = Vec::new();
    for host in hosts {
        match host.default_input_device().and_then(|device| Some((device.id().ok()?, device))) {
            Some(found) => return Ok(found),
            None => reasons.push(format!("{} has none", host.id())),
        }
    }
    let available = lines(&hosts.iter().flat_map(inputs).collect::<Vec<_>>());
    Err(SourceError::NoDefaultDevice { reason: reasons.join(", "), available })
}

/// The host's inputs, its default first; without ALSA's second names by card number, which change when cards do.
fn inputs(host: &Host) -> Vec<(DeviceId, cpal::Device)> {
    let listed = match host.input_devices() {
        Ok(devices) => devices.collect(),
        Err(error) => {
            log::warn!("cannot list the devices of {}: {error}", host.id());
            Vec::new()
        }
    };
    let mut inputs: Vec<(DeviceId, cpal::Device)> = Vec::new();
    for device in host.default_input_device().into_iter().chain(listed) {
        let Ok(id) = device.id() else { continue };
        let is_numbered = id
            .id()
            .split_once("CARD=")
            .is_some_and(|(_, card)| card.starts_with(|first: char| first.is_ascii_digit()));
        let is_plugin = id.host() == HostId::Alsa && ALSA_PLUGINS.contains(&id.id());
        if !is_numbered && !is_plugin && inputs.iter().all(|(known, _)| *known != id) {
            inputs.push((id, device));
        }
    }
    inputs
}

fn describe(id: &DeviceId, device: &cpal::Device, is_default: bool) -> InputDevice {
    let default_config = device
        .default_input_config()
        .map(|config| InputConfig {
            channels: config.channels(),
            rate_hz: config.sample_rate(),
            format: config.sample_format().to_string(),
        })
        .map_err(|error| plain(&error));
    let ranges: Vec<_> =
        device.supported_input_configs().map(Iterator::collect).unwrap_or_default();
    let span = |low: Option<u32>, high: Option<u32>| Some(low?..=high?);
    let channels = || ranges.iter().map(|range| u32::from(range.channels()));
    let formats: BTreeSet<String> =
        ranges.iter().map(|range| range.sample_format().to_string()).collect();
    InputDevice {
        host: id.host().to_string(),
        id: id.to_string(),
        name: device.to_string(),
        is_default,
        default_config,
        channels: span(channels().min(), channels().max())
            .map(|span| narrow(*span.start())..=narrow(*span.end())),
        rates_hz: span(
            ranges.iter().map(cpal::SupportedStreamConfigRange::min_sample_rate).min(),
            ranges.iter().map(cpal::SupportedStreamConfigRange::max_sample_rate).max(),
        ),
        formats: formats.into_iter().collect(),
    }
}

fn narrow(channels: u32) -> u16 {
    u16::try_from(channels).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_device_is_reported_with_what_else_there_is() {
        let error = cpal::Error::with_message(ErrorKind::DeviceBusy, "held by another.");
        let explained = explain("alsa:hw:CARD=Desk", "48000 Hz", &error);
        assert!(matches!(explained, SourceError::DeviceBusy { .. }), "{explained:?}");
        let (text, listed) = (explained.to_string(), everything());
        for part in ["alsa:hw:CARD=Desk", "in use by another program", "pulseaudio host", &listed] {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
    }
}
