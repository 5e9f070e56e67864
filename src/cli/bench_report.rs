//! What `tympan bench` found: histograms of latency by stage, throughput; as text and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::live::StageTimes;

/// A minute, in microseconds: a window that takes longer counts as this.
const LONGEST_US: u64 = 60_000_000;

/// Latency by stage, in microseconds.
#[derive(Debug, Clone)]
pub struct LatencyHistograms {
    featured: Histogram<u64>,
    scored: Histogram<u64>,
    handed_over: Histogram<u64>,
    whole: Histogram<u64>,
}

impl LatencyHistograms {
    /// Empty ones, exact to three digits.
    pub fn new() -> Self {
        let empty = Histogram::new_with_bounds(1, LONGEST_US, 3)
            .expect("invariant: the bounds are in order and three digits are allowed");
        Self {
            featured: empty.clone(),
            scored: empty.clone(),
            handed_over: empty.clone(),
            whole: empty,
        }
    }

    /// Adds a window.
    pub fn record(&mut self, times: &StageTimes) {
        let micros = |from: std::time::Instant, to: std::time::Instant| {
            let took: Duration = to.saturating_duration_since(from);
            u64::try_from(took.as_micros()).unwrap_or(LONGEST_US)
        };
        self.featured.saturating_record(micros(times.arrival, times.featured));
        self.scored.saturating_record(micros(times.featured, times.scored));
        self.handed_over.saturating_record(micros(times.scored, times.handed_over));
        self.whole.saturating_record(micros(times.arrival, times.handed_over));
    }

    /// Windows recorded.
    pub fn windows(&self) -> u64 {
        self.whole.len()
    }

    /// The percentiles of each stage and of their sum.
    pub fn stages(&self) -> Vec<StageLatency> {
        let whole = self.whole.mean().max(f64::MIN_POSITIVE);
        let stage = |stage, histogram: &Histogram<u64>| StageLatency {
            stage,
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p999_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
            share: histogram.mean() / whole,
        };
        vec![
            stage("last sample → window", &self.featured),
            stage("window → scores", &self.scored),
            stage("scores → record", &self.handed_over),
            stage("last sample → record", &self.whole),
        ]
    }
}

/// Percentiles of one stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageLatency {
    /// From what to what.
    pub stage: &'static str,
    /// Half of the windows took at most this.
    pub p50_us: u64,
    /// 90 % did.
    pub p90_us: u64,
    /// 99 % did.
    pub p99_us: u64,
    /// 99.9 % did.
    pub p999_us: u64,
    /// All did.
    pub max_us: u64,
    /// Mean of this stage over the mean of the sum.
    pub share: f64,
}

/// Work as fast as it goes, on one thread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// Seconds of 48 kHz audio a second, samples → windows.
    pub front_end_times_real_time: f64,
    /// Seconds of 48 kHz audio a second, samples → records.
    pub whole_times_real_time: f64,
    /// Windows a second, samples → records.
    pub windows_per_second: f64,
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// The model's name.
    pub model: String,
    /// Seconds listened at real-time pace.
    pub seconds: u32,
    /// Windows scored in them.
    pub windows: u64,
    /// Windows skipped in them.
    pub windows_skipped: u64,
    /// Samples dropped in them.
    pub samples_dropped: u64,
    /// By stage; the last is the sum.
    pub latency: Vec<StageLatency>,
    /// Offline.
    pub throughput: Throughput,
}

impl BenchReport {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}: {} s of the demo at real-time pace, {} windows, {} skipped, {} samples dropped\n\n\
             {:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}\n",
            self.model,
            self.seconds,
            self.windows,
            self.windows_skipped,
            self.samples_dropped,
            "latency in µs",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "max",
            "share"
        );
        for stage in &self.latency {
            // writing to a string cannot fail
            let _ = writeln!(
                text,
                "{:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>5.0} %",
                stage.stage,
                stage.p50_us,
                stage.p90_us,
                stage.p99_us,
                stage.p999_us,
                stage.max_us,
                stage.share * 100.0
            );
        }
        let _ = writeln!(
            text,
            "\noffline, one thread, 48 kHz: front end {:.0} × real time; all of it {:.0} × real time, \
             {:.0} windows a second",
            self.throughput.front_end_times_real_time,
            self.throughput.whole_times_real_time,
            self.throughput.windows_per_second
        );
        text
    }
}
