//! The daemon's present state, for `tympan status`. Written by the supervisor (state, reloads) and the classify stage
//! (latency, level), read through [`SharedStatus::status`] by the socket's clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::domain::{Counters, State, StatusRecord, WindowRecord};
use crate::protocol::{DaemonStatus, LatencyStatus, ReloadStatus, SinkStatus};
use crate::sinks::SinkMetrics;

/// Latency covers this span and of the one before: a daemon that has been up for a year is judged by today.
const SPAN: Duration = Duration::from_secs(300);

/// A minute: what takes longer counts as this.
const MAX_US: u64 = 60_000_000;

/// Shared by the daemon and by the outputs that report it.
#[derive(Debug)]
pub struct SharedStatus {
    /// Nobody waits here: either side holds it for less than the time of a system call.
    inner: Mutex<Status>,
}

#[derive(Debug)]
struct Status {
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

impl Default for SharedStatus {
    /// A daemon that has just been started.
    fn default() -> Self {
        let inner = Status {
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
        Self { inner: Mutex::new(inner) }
    }
}

impl SharedStatus {
    /// The daemon as it is now; none before its source has started.
    pub fn status(&self, counters: &Counters) -> Option<DaemonStatus> {
        let mut status = self.lock();
        let now = Instant::now();
        status.latency.rotate(now);
        let status = &*status;
        // the wall clock may have been set meanwhile
        let seconds_since = |then: Instant| now.saturating_duration_since(then).as_secs();
        let last = status.last.as_ref()?;
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
            started: status.started.0,
            up_s: seconds_since(status.started.1),
            state: last.state,
            detail: last.detail.clone(),
            since: status.since.0,
            state_s: seconds_since(status.since.1),
            device: status.device.clone(),
            sample_rate_hz: last.sample_rate_hz,
            model: status.model.clone(),
            level_dbfs: status.level_dbfs,
            counters: counts(counters),
            latency: status.latency.percentiles(),
            sinks: status.sinks.iter().map(sink).collect(),
            reload: status
                .reload
                .as_ref()
                .map(|(reload, at)| ReloadStatus { ago_s: seconds_since(*at), ..reload.clone() }),
        })
    }

    /// The state that was published last, if any was.
    pub(in crate::live) fn state(&self) -> Option<State> {
        self.lock().last.as_ref().map(|last| last.state)
    }

    pub(in crate::live) fn set_state(&self, record: &StatusRecord) {
        let mut status = self.lock();
        if status.last.as_ref().is_none_or(|last| last.state != record.state) {
            status.since = (record.time, Instant::now());
        }
        status.last = Some(record.clone());
    }

    /// Another device may be louder: what was quiet before is forgotten.
    pub(in crate::live) fn set_source(&self, device: &str) {
        let mut status = self.lock();
        device.clone_into(&mut status.device);
        status.quiet_since = None;
    }

    /// Windows below this level are not judged.
    pub(in crate::live) fn set_model(&self, model: &str, min_level_dbfs: f32) {
        let mut status = self.lock();
        model.clone_into(&mut status.model);
        status.min_level_dbfs = min_level_dbfs;
    }

    /// For how long no window has been loud enough to be judged.
    pub(in crate::live) fn quiet_for(&self, now: Instant) -> Duration {
        let since = self.lock().quiet_since;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(in crate::live) fn set_sinks(&self, sinks: Vec<Arc<SinkMetrics>>) {
        self.lock().sinks = sinks;
    }

    pub(in crate::live) fn set_reload(&self, reload: ReloadStatus) {
        self.lock().reload = Some((reload, Instant::now()));
    }

    /// Notes a window as it is published.
    pub(in crate::live) fn window_published(&self, window: &WindowRecord, arrival: Instant) {
        let mut status = self.lock();
        status.latency.rotate(Instant::now());
        status.latency.newer.saturating_record(window.latency_us);
        status.level_dbfs = Some(window.level_dbfs);
        status.quiet_since = match status.quiet_since {
            _ if window.level_dbfs >= status.min_level_dbfs => None,
            since => since.or(Some(arrival)),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        let empty = Histogram::new_with_bounds(1, MAX_US, 3)
            .expect("invariant: the bounds are in order and three digits are allowed");
        Self { began: now, newer: empty.clone(), older: empty }
    }

    /// Begins a new span when it is time.
    fn rotate(&mut self, now: Instant) {
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
    fn a_room_is_quiet_since_the_first_window_of_an_unbroken_row_below_the_level_that_is_scored() {
        let (status, began) = (SharedStatus::default(), Instant::now());
        status.set_model("m", -70.0);
        let after = |seconds| began + Duration::from_secs(seconds);
        for (second, level) in [(0, -60.0), (1, -80.0), (2, -90.0)] {
            status.window_published(&window(level), after(second));
        }
        assert_eq!(status.quiet_for(after(61)), Duration::from_secs(60));
        status.window_published(&window(-70.0), after(62));
        assert_eq!(status.quiet_for(after(63)), Duration::ZERO);
    }

    #[test]
    fn latencies_are_those_of_the_last_minutes() {
        let began = Instant::now();
        let mut latency = RecentLatency::new(began);
        let after = |seconds| began + Duration::from_secs(seconds);
        latency.newer.saturating_record(5_000);
        latency.rotate(after(301));
        latency.newer.saturating_record(1_000);
        // to three digits
        let both = latency.percentiles();
        assert!(both.windows == 2 && (5_000..5_010).contains(&both.max_us), "{both:?}");
        latency.rotate(after(602));
        assert_eq!((latency.percentiles().windows, latency.percentiles().max_us), (1, 1_000));
        // nothing for a long time, then a window
        latency.rotate(after(10_000));
        assert_eq!(latency.percentiles(), LatencyStatus::default());
    }
}
