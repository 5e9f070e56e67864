//! Keeps the service manager informed of a running daemon: its state, a status line, and pings of its watchdog, if all is
//! well; without a manager, does nothing. Called by the supervisor. A line break in a status would be another message to the
//! manager, so there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::shared_status::SharedStatus;
use super::watchdog::{Progress, Watchdog, WatchdogAction};
use crate::domain::printable;
use crate::sinks::SinkMetrics;

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

/// From one status line to the next.
const STATUS_PERIOD: Duration = Duration::from_secs(10);

/// The watchdog, if there is one, and the status line.
pub(in crate::live) struct ServiceNotifier {
    watchdog: Option<Watchdog>,
    last_sent_at: Instant,
}

impl ServiceNotifier {
    pub(in crate::live) fn new(inputs: usize, sinks: &[Arc<SinkMetrics>], now: Instant) -> Self {
        let watchdog = watchdog().map(|patience| Watchdog::new(patience, inputs, sinks, now));
        Self { watchdog, last_sent_at: now }
    }

    pub(in crate::live) fn poll(
        &mut self,
        now: Instant,
        progress: &[Option<Progress>],
        status: &SharedStatus,
    ) {
        match self.watchdog.as_mut().map(|watchdog| watchdog.poll(now, progress)) {
            Some(WatchdogAction::Ping) => alive(),
            Some(WatchdogAction::Warn(stall)) => {
                log::error!("{stall}; unless that ends, the service manager's watchdog will");
            }
            Some(WatchdogAction::Wait) | None => {}
        }
        if now.saturating_duration_since(self.last_sent_at) >= STATUS_PERIOD {
            self.last_sent_at = now;
            if let Some(status) = status.status() {
                self::status(&status.in_a_line());
            }
        }
    }
}
