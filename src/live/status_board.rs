//! What the daemon is doing just now, for whoever asks. Written by the supervisor (state, reloads) and the classify stage
//! (latency, level), read through [`StatusBoard::status`] by the socket's clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::domain::{Counters, State, StatusRecord, WindowRecord};
use crate::protocol::{DaemonStatus, LatencyStatus, ReloadStatus, SinkStatus};
use crate::sinks::SinkMetrics;

/// Latency is told of this span and of the one before: a daemon that has been up for a year is asked about today.
const SPAN: Duration = Duration::from_secs(300);

/// A minute: what takes longer counts as this.
const LONGEST_US: u64 = 60_000_000;

/// Shared by the daemon and by those who tell of it.
#[derive(Debug)]
pub struct StatusBoard {
    /// Nobody waits here: either side holds it for less than the time of a system call.
    board: Mutex<Board>,
}

#[derive(Debug)]
struct Board {
    started: (Timestamp, Instant),
    /// None before the source has started.
    last: Option<StatusRecord>,
    since: (Timestamp, Instant),
    device: String,
    model: String,
    level_dbfs: Option<f32>,
    min_level_dbfs: f32,
    /// Since when every window has been below that.
    quiet_since: Option<Instant>,
    latency: RecentLatency,
    sinks: Vec<Arc<SinkMetrics>>,
    reload: Option<(ReloadStatus, Instant)>,
}

impl Default for StatusBoard {
    /// A daemon that has just been started.
    fn default() -> Self {
        let board = Board {
            started: (Timestamp::now(), Instant::now()),
            last: None,
            since: (Timestamp::now(), Instant::now()),
            device: String::new(),
            model: String::new(),
            level_dbfs: None,
            min_level_dbfs: f32::NEG_INFINITY,
            quiet_since: None,
            latency: RecentLatency::new(Instant::now()),
            sinks: Vec::new(),
            reload: None,
        };
        Self { board: Mutex::new(board) }
    }
}

impl StatusBoard {
    /// The daemon as it is now; none before its source has started.
    pub fn status(&self, counters: &Counters) -> Option<DaemonStatus> {
        let mut board = self.lock();
        let now = Instant::now();
        board.latency.turn(now);
        let board = &*board;
        // the wall clock may have been set meanwhile
        let seconds_since = |then: Instant| now.saturating_duration_since(then).as_secs();
        let last = board.last.as_ref()?;
        let sink = |metrics: &Arc<SinkMetrics>| {
            let stalled = metrics.stalled_for(now);
            SinkStatus {
                name: metrics.name().to_owned(),
                is_failing: metrics.is_failing() || stalled.is_some(),
                stalled_s: stalled.map(|lasting| lasting.as_secs()),
                dropped: metrics.dropped(),
            }
        };
        Some(DaemonStatus {
            time: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started: board.started.0,
            up_s: seconds_since(board.started.1),
            state: last.state,
            detail: last.detail.clone(),
            since: board.since.0,
            state_s: seconds_since(board.since.1),
            device: board.device.clone(),
            sample_rate_hz: last.sample_rate_hz,
            model: board.model.clone(),
            level_dbfs: board.level_dbfs,
            counters: counts(counters),
            latency: board.latency.percentiles(),
            sinks: board.sinks.iter().map(sink).collect(),
            reload: board
                .reload
                .as_ref()
                .map(|(reload, at)| ReloadStatus { ago_s: seconds_since(*at), ..reload.clone() }),
        })
    }

    /// The state that was told last, if any was.
    pub(super) fn state(&self) -> Option<State> {
        self.lock().last.as_ref().map(|last| last.state)
    }

    pub(super) fn told(&self, record: &StatusRecord) {
        let mut board = self.lock();
        if board.last.as_ref().is_none_or(|last| last.state != record.state) {
            board.since = (record.time, Instant::now());
        }
        board.last = Some(record.clone());
    }

    /// Another device may be louder: what was quiet before is forgotten.
    pub(super) fn set_source(&self, device: &str) {
        let mut board = self.lock();
        device.clone_into(&mut board.device);
        board.quiet_since = None;
    }

    /// Windows below this level are not judged.
    pub(super) fn set_model(&self, model: &str, min_level_dbfs: f32) {
        let mut board = self.lock();
        model.clone_into(&mut board.model);
        board.min_level_dbfs = min_level_dbfs;
    }

    /// For how long no window has been loud enough to be judged.
    pub(super) fn quiet_for(&self, now: Instant) -> Duration {
        let since = self.lock().quiet_since;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(super) fn set_sinks(&self, sinks: Vec<Arc<SinkMetrics>>) {
        self.lock().sinks = sinks;
    }

    pub(super) fn set_reload(&self, reload: ReloadStatus) {
        self.lock().reload = Some((reload, Instant::now()));
    }

    /// Notes a window as it is published.
    pub(super) fn window_published(&self, window: &WindowRecord, arrival: Instant) {
        let mut board = self.lock();
        board.latency.turn(Instant::now());
        board.latency.newer.saturating_record(window.latency_us);
        board.level_dbfs = Some(window.level_dbfs);
        board.quiet_since = match board.quiet_since {
            _ if window.level_dbfs >= board.min_level_dbfs => None,
            since => since.or(Some(arrival)),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every counter by the name of its field.
fn counts(counters: &Counters) -> BTreeMap<String, u64> {
    counters.named().into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The latencies of this span and of the one before.
#[derive(Debug)]
struct RecentLatency {
    began: Instant,
    newer: Histogram<u64>,
    older: Histogram<u64>,
}

impl RecentLatency {
    fn new(now: Instant) -> Self {
        let empty = Histogram::new_with_bounds(1, LONGEST_US, 3)
            .expect("invariant: the bounds are in order and three digits are allowed");
        Self { began: now, newer: empty.clone(), older: empty }
    }

    /// Begins a new span when it is time.
    fn turn(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.began);
        if age < SPAN {
            return;
        }
        std::mem::swap(&mut self.newer, &mut self.older);
        self.newer.reset();
        if age >= 2 * SPAN {
            self.older.reset();
        }
        self.began = now;
    }

    fn percentiles(&self) -> LatencyStatus {
        let mut both = self.newer.clone();
        both += &self.older;
        let at = |quantile| both.value_at_quantile(quantile);
        LatencyStatus {
            windows: both.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: both.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SampleIndex;

    fn window(level_dbfs: f32) -> WindowRecord {
        WindowRecord {
            time: Timestamp::UNIX_EPOCH,
            source: "mic".into(),
            start_sample: SampleIndex(0),
            end_sample: SampleIndex(1),
            scores: Default::default(),
            level_dbfs,
            padded_samples: 0,
            latency_us: 400,
        }
    }

    #[test]
    fn a_room_is_quiet_since_the_first_window_of_an_unbroken_row_below_the_level_that_is_judged() {
        let (board, began) = (StatusBoard::default(), Instant::now());
        board.set_model("m", -70.0);
        let after = |seconds| began + Duration::from_secs(seconds);
        for (second, level) in [(0, -60.0), (1, -80.0), (2, -90.0)] {
            board.window_published(&window(level), after(second));
        }
        assert_eq!(board.quiet_for(after(61)), Duration::from_secs(60));
        board.window_published(&window(-70.0), after(62));
        assert_eq!(board.quiet_for(after(63)), Duration::ZERO);
    }

    #[test]
    fn latencies_are_those_of_the_last_minutes() {
        let began = Instant::now();
        let mut latency = RecentLatency::new(began);
        let after = |seconds| began + Duration::from_secs(seconds);
        latency.newer.saturating_record(5_000);
        latency.turn(after(301));
        latency.newer.saturating_record(1_000);
        // to three digits
        let told = latency.percentiles();
        assert!(told.windows == 2 && (5_000..5_010).contains(&told.max_us), "{told:?}");
        latency.turn(after(602));
        assert_eq!((latency.percentiles().windows, latency.percentiles().max_us), (1, 1_000));
        // nothing for a long time, then a window
        latency.turn(after(10_000));
        assert_eq!(latency.percentiles(), LatencyStatus::default());
    }
}
