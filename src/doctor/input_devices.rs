//! The capture devices that the audio hosts list, asked for on a thread of its own because a host may hang; makes one finding.

use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::Finding;
use crate::sources::microphone::{HostChoice, InputDevice, devices};

/// How long the hosts may take to list their devices; a list takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the audio hosts list.
#[derive(Debug, Clone)]
pub enum InputDevices {
    /// Devices, those included that cannot be opened.
    Listed(Vec<InputDevice>),
    /// A host that was named does not answer, in its words.
    NoHost(String),
    /// Nothing came back in time.
    Hanging,
}

impl InputDevices {
    /// Asks the hosts.
    pub fn gather(host: HostChoice) -> Self {
        let (sender, listed) = bounded(1);
        let asking = thread::Builder::new().name("tympan-devices".to_owned()).spawn(move || {
            // nobody may be waiting any more
            let _ = sender.send(devices(host));
        });
        match asking.map(|_thread| listed.recv_timeout(PATIENCE)) {
            Ok(Ok(Ok(devices))) => Self::Listed(devices),
            Ok(Ok(Err(error))) => Self::NoHost(error.to_string()),
            Ok(Err(_late)) => Self::Hanging,
            Err(error) => Self::NoHost(error.to_string()),
        }
    }

    /// A failure where there is no device that can be opened.
    pub fn finding(&self) -> Finding {
        const CHECK: &str = "devices";
        let devices = match self {
            Self::Listed(devices) => devices,
            Self::NoHost(reason) => {
                let advice = "start the server, or set host = \"auto\" in [source.microphone]";
                return Finding::failure(CHECK, reason.clone(), advice);
            }
            Self::Hanging => {
                let found = format!("no list of devices after {} s", PATIENCE.as_secs());
                let advice = "restart the sound server (systemctl --user restart pipewire-pulse), or \
                              unplug the device whose driver hangs (dmesg)";
                return Finding::failure(CHECK, found, advice);
            }
        };
        let usable: Vec<&str> =
            devices.iter().filter(|it| it.default_config.is_ok()).map(|it| &*it.id).collect();
        let broken =
            devices.iter().find_map(|it| Some((&it.id, it.default_config.as_ref().err()?)));
        match (&usable[..], broken) {
            ([], None) => Finding::failure(
                CHECK,
                "no audio host lists a capture device",
                "plug a microphone in, start the sound server, and give this user the group audio",
            ),
            ([], Some((id, reason))) => Finding::failure(
                CHECK,
                format!("none of {} can be opened; {id}: {reason}", devices.len()),
                "see permissions and busy cards above, then `tympan devices`",
            ),
            (usable, None) => Finding::ok(CHECK, usable.join(", ")),
            (usable, Some((id, reason))) => Finding::warning(
                CHECK,
                format!("{}; not {id}: {reason}", usable.join(", ")),
                "nothing, unless that one is meant; then see permissions and busy cards above",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::sources::microphone::InputConfig;

    fn device(id: &str, default_config: Result<(), &str>) -> InputDevice {
        let config = InputConfig { channels: 2, rate_hz: 48_000, format: "i16".into() };
        InputDevice {
            host: "alsa".into(),
            id: id.into(),
            name: "a device".into(),
            is_default: false,
            default_config: default_config.map(|()| config).map_err(str::to_owned),
            channels: None,
            rates_hz: None,
            formats: Vec::new(),
        }
    }

    fn verdict_of(devices: Vec<InputDevice>) -> Verdict {
        InputDevices::Listed(devices).finding().verdict
    }

    #[test]
    fn no_device_or_none_that_opens_is_a_failure() {
        assert_eq!(verdict_of(Vec::new()), Verdict::Failure);
        let busy = device("alsa:hw:CARD=Desk", Err("the device is busy"));
        let finding = InputDevices::Listed(vec![busy.clone()]).finding();
        assert_eq!(finding.verdict, Verdict::Failure);
        assert!(finding.found.contains("alsa:hw:CARD=Desk: the device is busy"), "{finding:?}");
        assert_eq!(verdict_of(vec![device("alsa:default", Ok(())), busy]), Verdict::Warning);
        assert_eq!(verdict_of(vec![device("alsa:default", Ok(()))]), Verdict::Ok);
    }

    #[test]
    fn a_host_that_is_absent_or_hangs_is_a_failure() {
        let absent = InputDevices::NoHost("pulseaudio does not answer".into()).finding();
        assert_eq!(absent.verdict, Verdict::Failure);
        let hanging = InputDevices::Hanging.finding();
        assert_eq!(hanging.verdict, Verdict::Failure);
        assert!(hanging.advice.contains("restart the sound server"), "{hanging:?}");
    }
}
