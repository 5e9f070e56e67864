//! Keeps the service manager informed of a running daemon: pings its watchdog, if all is well, and sends the status line.
//! Polled by the supervisor at every tick.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared_status::SharedStatus;
use super::systemd;
use super::watchdog::{Progress, Watchdog, WatchdogAction};
use crate::sinks::SinkMetrics;

/// From one status line to the next.
const STATUS_PERIOD: Duration = Duration::from_secs(10);

/// The watchdog, if there is one, and the status line.
pub(in crate::live) struct ServiceNotifier {
    watchdog: Option<Watchdog>,
    last_sent_at: Instant,
}

impl ServiceNotifier {
    pub(in crate::live) fn new(inputs: usize, sinks: &[Arc<SinkMetrics>], now: Instant) -> Self {
        let watchdog =
            systemd::watchdog().map(|patience| Watchdog::new(patience, inputs, sinks, now));
        Self { watchdog, last_sent_at: now }
    }

    pub(in crate::live) fn poll(
        &mut self,
        now: Instant,
        progress: &[Option<Progress>],
        status: &SharedStatus,
    ) {
        match self.watchdog.as_mut().map(|watchdog| watchdog.poll(now, progress)) {
            Some(WatchdogAction::Ping) => systemd::alive(),
            Some(WatchdogAction::Warn(stall)) => {
                log::error!("{stall}; unless that ends, the service manager's watchdog will");
            }
            Some(WatchdogAction::Wait) | None => {}
        }
        if now.saturating_duration_since(self.last_sent_at) >= STATUS_PERIOD {
            self.last_sent_at = now;
            if let Some(status) = status.status() {
                systemd::status(&status.in_a_line());
            }
        }
    }
}
