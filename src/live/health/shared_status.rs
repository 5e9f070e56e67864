//! The daemon's present state, for `tympan status`. Written by the supervisor (state, reloads) and the classify stage
//! (latency, level), read through [`SharedStatus::status`] by the socket's clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::domain::{InputCounters, OutputCounters, State, StatusRecord, WindowRecord};
use crate::protocol::{DaemonStatus, InputStatus, LatencyStatus, ReloadStatus, SinkStatus};
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
    inputs: Vec<KnownInput>,
    model: String,
    min_level_dbfs: f32,
    latency: RecentLatency,
    outputs: Arc<OutputCounters>,
    sinks: Vec<Arc<SinkMetrics>>,
    reload: Option<(ReloadStatus, Instant)>,
}

/// What is known of one input.
#[derive(Debug)]
struct KnownInput {
    name: Arc<str>,
    counters: Arc<InputCounters>,
    /// None before its source has started.
    last: Option<StatusRecord>,
    since: (Timestamp, Instant),
    device: String,
    level_dbfs: Option<f32>,
    /// Since when every window has been below the level that is judged.
    quiet_since: Option<Instant>,
    /// Its source has delivered everything, or failed for good.
    has_ended: bool,
}

impl KnownInput {
    fn new((name, counters): (Arc<str>, Arc<InputCounters>)) -> Self {
        Self {
            name,
            counters,
            has_ended: false,
            last: None,
            since: (Timestamp::now(), Instant::now()),
            device: String::new(),
            level_dbfs: None,
            quiet_since: None,
        }
    }

    /// As it is now; none before its source has started.
    fn status(&self, now: Instant) -> Option<InputStatus> {
        let last = self.last.as_ref()?;
        let counters = self.counters.named().map(|(name, count)| (name.to_owned(), count));
        Some(InputStatus {
            name: self.name.to_string(),
            state: last.state,
            detail: last.detail.clone(),
            since: self.since.0,
            state_s: now.saturating_duration_since(self.since.1).as_secs(),
            has_ended: self.has_ended,
            device: self.device.clone(),
            sample_rate_hz: last.sample_rate_hz,
            level_dbfs: self.level_dbfs,
            counters: counters.into(),
        })
    }
}

impl Default for SharedStatus {
    /// A daemon that has just been started.
    fn default() -> Self {
        let inner = Status {
            started: (Timestamp::now(), Instant::now()),
            inputs: Vec::new(),
            model: String::new(),
            min_level_dbfs: f32::NEG_INFINITY,
            latency: RecentLatency::new(Instant::now()),
            outputs: Arc::default(),
            sinks: Vec::new(),
            reload: None,
        };
        Self { inner: Mutex::new(inner) }
    }
}

impl SharedStatus {
    /// The daemon as it is now; none before its source has started. With several inputs, the state is that of the one that
    /// loses most, and every count is the sum of theirs.
    pub fn status(&self) -> Option<DaemonStatus> {
        let mut status = self.lock();
        let now = Instant::now();
        status.latency.rotate(now);
        let status = &*status;
        // the wall clock may have been set meanwhile
        let seconds_since = |then: Instant| now.saturating_duration_since(then).as_secs();
        let inputs: Vec<_> = status.inputs.iter().filter_map(|input| input.status(now)).collect();
        // of equals the last one is given
        let worst =
            inputs.iter().rev().max_by_key(|input| (!input.has_ended, input.state))?.clone();
        let sink = |metrics: &Arc<SinkMetrics>| {
            let stalled = metrics.stalled_for(now);
            SinkStatus {
                name: metrics.name().to_owned(),
                is_failing: metrics.is_failing() || stalled.is_some(),
                stalled_s: stalled.map(|lasting| lasting.as_secs()),
                dropped: metrics.dropped(),
                queued: metrics.queued(),
            }
        };
        Some(DaemonStatus {
            time: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started: status.started.0,
            up_s: seconds_since(status.started.1),
            cpu_s: processor_seconds(),
            state: worst.state,
            detail: worst.detail,
            since: worst.since,
            state_s: worst.state_s,
            device: worst.device,
            sample_rate_hz: worst.sample_rate_hz,
            model: status.model.clone(),
            level_dbfs: worst.level_dbfs,
            counters: status.counts(),
            latency: status.latency.percentiles(),
            sinks: status.sinks.iter().map(sink).collect(),
            inputs,
            reload: status
                .reload
                .as_ref()
                .map(|(reload, at)| ReloadStatus { ago_s: seconds_since(*at), ..reload.clone() }),
        })
    }

    /// The parts of a pipeline that this reports: each input by its name, with what it counts, and what the outputs do.
    pub(in crate::live) fn set_pipeline(
        &self,
        inputs: impl IntoIterator<Item = (Arc<str>, Arc<InputCounters>)>,
        outputs: Arc<OutputCounters>,
        sinks: Vec<Arc<SinkMetrics>>,
    ) {
        let mut status = self.lock();
        status.inputs = inputs.into_iter().map(KnownInput::new).collect();
        (status.outputs, status.sinks) = (outputs, sinks);
    }

    /// The state of an input that was published last, if any was.
    pub(in crate::live) fn state(&self, input: usize) -> Option<State> {
        self.lock().inputs[input].last.as_ref().map(|last| last.state)
    }

    pub(in crate::live) fn set_state(&self, input: usize, record: &StatusRecord) {
        let input = &mut self.lock().inputs[input];
        if input.last.as_ref().is_none_or(|last| last.state != record.state) {
            input.since = (record.time, Instant::now());
        }
        input.last = Some(record.clone());
    }

    /// The source of an input has delivered everything, or failed for good.
    pub(in crate::live) fn set_ended(&self, input: usize) {
        self.lock().inputs[input].has_ended = true;
    }

    /// Another device may be louder: what was quiet before is forgotten.
    pub(in crate::live) fn set_source(&self, input: usize, device: &str) {
        let input = &mut self.lock().inputs[input];
        device.clone_into(&mut input.device);
        input.quiet_since = None;
    }

    /// Windows below this level are not judged.
    pub(in crate::live) fn set_model(&self, model: &str, min_level_dbfs: f32) {
        let mut status = self.lock();
        model.clone_into(&mut status.model);
        status.min_level_dbfs = min_level_dbfs;
    }

    /// For how long no window of an input has been loud enough to be judged.
    pub(in crate::live) fn quiet_for(&self, input: usize, now: Instant) -> Duration {
        let since = self.lock().inputs[input].quiet_since;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Notes how a reload went; those before it are counted here.
    pub(in crate::live) fn set_reload(&self, reload: ReloadStatus) {
        let mut status = self.lock();
        let before = status.reload.as_ref().map(|(reload, _)| reload);
        let (succeeded, failed) =
            before.map_or((0, 0), |before| (before.succeeded_so_far, before.failed_so_far));
        let reload = ReloadStatus {
            succeeded_so_far: succeeded + u64::from(reload.succeeded),
            failed_so_far: failed + u64::from(!reload.succeeded),
            ..reload
        };
        status.reload = Some((reload, Instant::now()));
    }

    /// Notes a window of an input as it is published.
    pub(in crate::live) fn window_published(
        &self,
        input: usize,
        window: &WindowRecord,
        arrival: Instant,
    ) {
        let mut guard = self.lock();
        let status = &mut *guard;
        status.latency.rotate(Instant::now());
        status.latency.newer.saturating_record(window.latency_us);
        let input = &mut status.inputs[input];
        input.level_dbfs = Some(window.level_dbfs);
        input.quiet_since = match input.quiet_since {
            _ if window.level_dbfs >= status.min_level_dbfs => None,
            since => since.or(Some(arrival)),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Status {
    /// Every counter by the name of its field; of the inputs', the sum.
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        let of_inputs = self.inputs.iter().flat_map(|input| input.counters.named());
        for (name, count) in of_inputs.chain(self.outputs.named()) {
            *counts.entry(name.to_owned()).or_default() += count;
        }
        counts
    }
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

/// What this process has used, in hundredths of a second.
fn processor_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let milliseconds = usage.user_time() + usage.system_time();
    (milliseconds.num_milliseconds() / 10) as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SampleIndex, SampleRate};

    /// Of a daemon with so many inputs.
    fn status(inputs: usize) -> (SharedStatus, Vec<Arc<InputCounters>>) {
        let status = SharedStatus::default();
        let counters: Vec<Arc<InputCounters>> = (0..inputs).map(|_| Arc::default()).collect();
        let named = (0..).zip(&counters).map(|(index, counters): (u32, _)| {
            (format!("mic{index}").into(), Arc::clone(counters))
        });
        status.set_pipeline(named, Arc::default(), Vec::new());
        (status, counters)
    }

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
            reasons: Vec::new(),
        }
    }

    #[test]
    fn a_room_is_quiet_since_the_first_window_of_an_unbroken_row_below_the_level_that_is_scored() {
        let ((status, _), began) = (status(2), Instant::now());
        status.set_model("m", -70.0);
        let after = |seconds| began + Duration::from_secs(seconds);
        for (second, level) in [(0, -60.0), (1, -80.0), (2, -90.0)] {
            status.window_published(0, &window(level), after(second));
        }
        assert_eq!(status.quiet_for(0, after(61)), Duration::from_secs(60));
        assert_eq!(status.quiet_for(1, after(61)), Duration::ZERO, "the other input's");
        status.window_published(0, &window(-70.0), after(62));
        assert_eq!(status.quiet_for(0, after(63)), Duration::ZERO);
    }

    #[test]
    fn of_several_inputs_the_state_of_the_one_that_loses_most_is_shown_with_the_sum_of_their_counts()
     {
        let (status, counters) = status(3);
        assert_eq!(status.status(), None);
        for (input, state) in [State::Listening, State::Lost, State::Quiet].into_iter().enumerate()
        {
            counters[input].samples_dropped.add(10 + input as u64);
            let source = format!("mic{input}");
            status.set_source(input, &source);
            let record = StatusRecord {
                time: Timestamp::UNIX_EPOCH,
                source: source.into(),
                state,
                detail: state.to_string(),
                sample_rate_hz: SampleRate::new(16_000).unwrap(),
            };
            status.set_state(input, &record);
        }
        let shown = status.status().unwrap();
        assert_eq!((&*shown.device, shown.state, &*shown.detail), ("mic1", State::Lost, "lost"));
        assert_eq!(shown.counters["samples_dropped"], 33);
        let each: Vec<_> = shown.inputs.iter().map(|it| (&*it.name, it.state)).collect();
        let expected = [("mic0", State::Listening), ("mic1", State::Lost), ("mic2", State::Quiet)];
        assert_eq!(each, expected);
        assert_eq!(shown.inputs[2].counters["samples_dropped"], 12);
        assert_eq!(shown.counters.len(), 13);
        status.set_ended(1);
        let shown = status.status().unwrap();
        assert_eq!((&*shown.device, shown.inputs[1].has_ended), ("mic2", true));
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
