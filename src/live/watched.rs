//! What the service manager hears of a running daemon: that it is alive, if it is, and how it fares. Asked by the supervisor
//! at every turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pipeline_spec::PipelineSpec;
use super::systemd;
use super::watchdog::{Feed, Pulse, Watchdog};
use crate::sinks::SinkMetrics;

/// From one status line to the next.
const STATUS_PERIOD: Duration = Duration::from_secs(10);

/// The watchdog, if there is one, and the status line.
pub(super) struct Watched {
    watchdog: Option<Watchdog>,
    told_at: Instant,
}

impl Watched {
    pub(super) fn new(sinks: &[Arc<SinkMetrics>], pulse: Pulse) -> Self {
        let now = Instant::now();
        let watchdog =
            systemd::watchdog().map(|patience| Watchdog::new(patience, sinks, now, pulse));
        Self { watchdog, told_at: now }
    }

    pub(super) fn turn(&mut self, pulse: Pulse, spec: &PipelineSpec) {
        let now = Instant::now();
        match self.watchdog.as_mut().map(|watchdog| watchdog.turn(now, pulse)) {
            Some(Feed::Alive) => systemd::alive(),
            Some(Feed::Overdue(stuck)) => {
                log::error!("{stuck}; unless that ends, the service manager's watchdog will");
            }
            Some(Feed::NotDue) | None => {}
        }
        if now.saturating_duration_since(self.told_at) >= STATUS_PERIOD {
            self.told_at = now;
            if let Some(status) = spec.board.status(&spec.counters) {
                systemd::status(&status.in_a_line());
            }
        }
    }
}
