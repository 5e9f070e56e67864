//! Histograms of latency by stage, and the percentiles read from them. Fed by the socket client on its thread.

use std::time::Instant;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::live::StageTimes;

/// A minute, in microseconds: what takes longer counts as this.
const MAX_LATENCY_US: u64 = 60_000_000;

/// The stages in their order, and their sum.
const STAGES: [&str; 4] =
    ["last sample → window", "window → scores", "scores → client", "last sample → client"];

/// Latency by stage, in microseconds.
#[derive(Debug, Clone)]
pub struct LatencyHistograms {
    stages: [Histogram<u64>; STAGES.len()],
}

impl LatencyHistograms {
    /// Empty ones, exact to three digits.
    pub fn new() -> Self {
        let empty = micros_histogram();
        Self { stages: std::array::from_fn(|_| empty.clone()) }
    }

    /// Adds a window that the client read at `received`.
    pub fn record(&mut self, times: &StageTimes, received: Instant) {
        let StageTimes { arrival, featured, scored, .. } = *times;
        let spans =
            [(arrival, featured), (featured, scored), (scored, received), (arrival, received)];
        for (histogram, (from, to)) in self.stages.iter_mut().zip(spans) {
            histogram.saturating_record(micros(from, to));
        }
    }

    /// Windows recorded.
    pub fn windows(&self) -> u64 {
        self.sum().len()
    }

    /// p99 of the sum over its p50.
    pub fn tail_ratio(&self) -> f64 {
        let at = |quantile| self.sum().value_at_quantile(quantile) as f64;
        at(0.99) / at(0.5).max(1.0)
    }

    /// The percentiles of each stage, and last those of their sum.
    pub fn stages(&self) -> Vec<StageLatency> {
        let whole = self.sum().mean().max(f64::MIN_POSITIVE);
        let stage = |(stage, histogram): (&&str, &Histogram<u64>)| StageLatency {
            stage: (*stage).to_owned(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p999_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
            share: histogram.mean() / whole,
        };
        STAGES.iter().zip(&self.stages).map(stage).collect()
    }

    fn sum(&self) -> &Histogram<u64> {
        &self.stages[STAGES.len() - 1]
    }
}

/// An empty histogram of microseconds, exact to three digits.
pub fn micros_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_LATENCY_US, 3)
        .expect("invariant: the bounds are in order and three digits are allowed")
}

/// Whole microseconds from one moment to a later one.
pub fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(MAX_LATENCY_US)
}

/// Percentiles of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageLatency {
    /// From what to what.
    pub stage: String,
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
