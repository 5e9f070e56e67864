//! Tells the service manager how the daemon fares; without one, says nothing. Called by the supervisor. A line break in a
//! status would be another message to the manager, so there is none.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::domain::printable;

/// The scorer is warm and the source delivers.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&printable(status))]);
}

/// One line for `systemctl status`.
pub(super) fn status(status: &str) {
    tell(&[NotifyState::Status(&printable(status))]);
}

/// The configuration is being read again; [`ready`] tells that this is over.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("the service manager is not told of the reload: {error}"),
    }
}

/// After how long without [`alive`] the daemon is killed; none: nobody watches.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// All of the daemon is at work.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The end has begun.
pub(super) fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(&printable(status))]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!("the service manager cannot be told ({error}); it may take the daemon for dead");
    }
}
