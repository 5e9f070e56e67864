//! Looks whether the host's default device is still the one that is captured, on a thread of its own: a host may take its
//! time to answer. Owned by the running microphone.

use std::convert::Infallible;
use std::time::Duration;

use cpal::Host;
use cpal::traits::{DeviceTrait, HostTrait};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::devices::quietly;

/// From one look to the next: soon enough for a person who has plugged in a headset, rare enough to cost nothing.
const PERIOD: Duration = Duration::from_secs(1);

/// Reports once when another device has become the default.
pub(super) struct DefaultWatch {
    changed: Receiver<String>,
    _watched: Sender<Infallible>,
}

impl DefaultWatch {
    /// Watches `host`, whose default is `captured`. Without a thread, no change is ever reported.
    pub(super) fn spawn(host: Host, captured: String) -> Self {
        let (sender, changed) = bounded(1);
        let (watched, ended) = bounded::<Infallible>(0);
        let look = move || {
            while ended.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let default = quietly(|| host.default_input_device().and_then(|it| it.id().ok()));
                // a host that knows of none is about to be lost, or between two
                if let Some(default) = default.map(|id| id.to_string())
                    && default != captured
                {
                    // one message has room; nobody may be asking any more
                    let _ = sender.try_send(default);
                    return;
                }
            }
        };
        let started = std::thread::Builder::new().name("tympan-default".to_owned()).spawn(look);
        if let Err(error) = started {
            log::warn!("no thread to follow the default device ({error})");
        }
        Self { changed, _watched: watched }
    }

    /// The default device, if it has become another one.
    pub(super) fn changed_to(&self) -> Option<String> {
        self.changed.try_recv().ok()
    }
}
