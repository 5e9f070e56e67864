//! Opens the audio hosts that are asked for, with ALSA's chatter kept off standard error. Used when a microphone is
//! opened or listed, on the supervisor's thread.

use cpal::{ErrorKind, HostId};

use super::HostChoice;
use super::devices::everything;
use crate::sources::SourceError;

/// The hosts to look in, best first; never empty.
///
/// # Errors
/// [`SourceError::HostUnavailable`] when a host is named and does not answer.
pub(super) fn open_hosts(choice: HostChoice) -> Result<Vec<cpal::Host>, SourceError> {
    match choice {
        HostChoice::Alsa => Ok(vec![open(HostId::Alsa)?]),
        HostChoice::PulseAudio => Ok(vec![open(HostId::PulseAudio)?]),
        HostChoice::Auto => {
            let mut hosts = Vec::new();
            match cpal::host_from_id(HostId::PulseAudio) {
                Ok(host) => hosts.push(host),
                Err(error) => log::info!("no PulseAudio server ({error}); capturing through ALSA"),
            }
            hosts.push(open(HostId::Alsa)?);
            Ok(hosts)
        }
    }
}

fn open(id: HostId) -> Result<cpal::Host, SourceError> {
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

/// The host's words without their full stop, to stand within a sentence.
pub(super) fn plain(error: &cpal::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_device_is_told_with_what_else_there_is() {
        let error = cpal::Error::with_message(ErrorKind::DeviceBusy, "held by another.");
        let told = explain("alsa:hw:CARD=Desk", "48000 Hz", &error);
        assert!(matches!(told, SourceError::DeviceBusy { .. }), "{told:?}");
        let (text, listed) = (told.to_string(), everything());
        for part in ["alsa:hw:CARD=Desk", "in use by another program", "pulseaudio host", &listed] {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
    }
}
