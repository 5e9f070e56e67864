//! Notifies the service manager of the daemon's state; without one, does nothing. Called by the supervisor. A line break in
//! a status would be another message to the manager, so there is none.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::domain::printable;

/// The scorer is warm and the source delivers.
pub(in crate::live) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&printable(status))]);
}

/// One line for `systemctl status`.
pub(in crate::live) fn status(status: &str) {
    notify(&[NotifyState::Status(&printable(status))]);
}

/// The configuration is being read again; [`ready`] ends that.
pub(in crate::live) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("the service manager is not notified of the reload: {error}"),
    }
}

/// After how long without [`alive`] the daemon is killed; none: there is no watchdog.
pub(in crate::live) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Pings the watchdog: all of the daemon is at work.
pub(in crate::live) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// The end has begun.
pub(in crate::live) fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&printable(status))]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!(
            "the service manager cannot be notified ({error}); it may take the daemon for dead"
        );
    }
}
