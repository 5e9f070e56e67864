//! Opens the audio hosts that are asked for, with ALSA's chatter kept off standard error. Used when a microphone is
//! opened or listed, on the supervisor's thread.

use cpal::HostId;

use super::HostChoice;
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

/// The host's words without their full stop, to stand within a sentence.
pub(super) fn plain(error: &cpal::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}
