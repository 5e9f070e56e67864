//! The whole benchmark: the daemon at real-time pace, then the same work at full speed, both with an eye on the machine. Called
//! by `tympan bench`; runs on the calling thread, which is the daemon's supervisor meanwhile.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::BenchmarkError;
use super::live_run::run_daemon;
use super::noise::{MachineCpu, Noise};
use super::report::{BenchReport, FORMAT, Subject};
use super::throughput::throughput;
use crate::live::{DaemonInput, PipelineSpec};
use crate::recognition::Scorer;

/// What is measured.
pub struct Benchmark {
    /// What it is about.
    pub subject: Subject,
    /// Seconds of audio at real-time pace.
    pub seconds: u32,
    /// When the process was started; see [`super::process_started`].
    pub started: Instant,
    /// The audio that the daemon processes at real-time pace.
    pub input: DaemonInput,
    /// Of the daemon.
    pub scorer: Box<dyn Scorer>,
    /// How the daemon turns samples into records.
    pub pipeline: PipelineSpec,
    /// A scorer like the daemon's, for full speed.
    pub full_speed_scorer: Box<dyn Scorer>,
    /// Ends the daemon; a signal may set it, and then nothing is reported.
    pub stop: Arc<AtomicBool>,
}

/// Measures.
///
/// # Errors
/// [`BenchmarkError`]: a daemon that fails, a socket that cannot be had, an interruption.
pub fn measure(benchmark: Benchmark) -> Result<BenchReport, BenchmarkError> {
    let Benchmark { subject, seconds, started, input, scorer, pipeline, .. } = benchmark;
    let counters = Arc::clone(&input.counters);
    let recipe = pipeline.recipe.clone();
    let before = MachineCpu::read();
    let live = run_daemon(input, scorer, pipeline, benchmark.stop, seconds)?;
    let throughput = throughput(&recipe, benchmark.full_speed_scorer)?;
    let noise = Noise::new(live.wakes, before.zip(MachineCpu::read()));
    Ok(BenchReport {
        format: FORMAT.to_owned(),
        subject,
        seconds,
        windows: live.client_samples.published,
        windows_at_client: live.client_samples.latency.windows(),
        windows_skipped: counters.windows_skipped.get(),
        samples_dropped: counters.samples_dropped.get(),
        latency: live.client_samples.latency.stages(),
        tail_ratio: live.client_samples.latency.tail_ratio(),
        cpu: live.client_samples.cpu_share(),
        peak_resident_bytes: live.peak_resident_bytes,
        start_up: live.client_samples.start_up(started, live.sample_rate),
        throughput,
        noise,
    })
}
