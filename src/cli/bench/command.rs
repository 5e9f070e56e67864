//! The command itself: arguments, the order of things, what is printed and the exit code. Runs on the main thread.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;

use super::baseline;
use super::comparison::{Compared, Comparison};
use super::live_run::listen;
use super::noise::{MachineCpu, Noise};
use super::own_process;
use super::report::{BenchReport, FORMAT};
use super::subject::Subject;
use super::throughput::throughput;
use crate::cli::setup::Setup;
use crate::cli::{Failure, output};
use crate::domain::Counters;
use crate::model::Schedule;

/// Arguments of `tympan bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Configuration file; without it the built-in one. Its outputs are left alone
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// How long to listen to the demo at real-time pace
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..=86_400))]
    seconds: u32,
    /// Convolve the whole window every time: the reference that incremental inference is measured against
    #[arg(long)]
    exact_from_scratch: bool,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
    /// Keep the report in a file, as a baseline for --compare
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with a baseline of the same model and schedule; exit with 1 if a figure is worse by more than the
    /// tolerance. p99.9, max and the single stages' p90 and p99 are shown and not judged; neither is a latency that
    /// differs by less than 50 µs, or a start-up by less than 20 ms. On a noisy machine twice the tolerance holds, and
    /// the report says so
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// How much worse a figure may be: 0.25 is a quarter, which is what one and the same build may drift by on a virtual
    /// machine. Take 0.1 on a machine of your own
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = tolerance)]
    #[arg(requires = "compare")]
    tolerance: f64,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=10.0).contains(&share) => Ok(share),
        _ => Err("a share between 0 and 10; 0.1 is ten per cent".into()),
    }
}

/// Measures, prints, and judges.
///
/// # Errors
/// [`Failure`] with exit code 3 when the bundle cannot be used, 2 for a baseline that does not fit, 1 when a figure is
/// worse than the baseline allows.
pub fn bench(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    let started = own_process::started(Instant::now());
    let setup = Setup::load(arguments.config.as_deref(), arguments.model.as_deref())?;
    let schedule =
        if arguments.exact_from_scratch { Schedule::FromScratch } else { Schedule::Incremental };
    let subject = Subject::new(&setup.bundle.manifest, schedule);
    // what cannot be compared or saved is known before anybody waits for a measurement
    let compared_with = arguments.compare.as_ref().map(|path| baseline::load(path, &subject));
    let compared_with = compared_with.transpose()?;
    if let Some(path) = &arguments.save {
        baseline::check_folder(path)?;
    }
    let report = measure(&setup, subject, (arguments.seconds, schedule), started)?;
    let comparison = compared_with.map(|then| Comparison::new(&report, &then, arguments.tolerance));
    if arguments.json {
        output::print_json(&Compared { report: &report, comparison: comparison.as_ref() })?;
    } else {
        let compared = comparison.as_ref().map(Comparison::text).unwrap_or_default();
        output::print(&format!("{}{compared}", report.text()))?;
    }
    if let Some(path) = &arguments.save {
        baseline::save(path, &report)?;
        if report.noise.is_noisy() {
            log::warn!("the baseline {} comes from a noisy machine", path.display());
        }
    }
    match (comparison.map(|comparison| comparison.worse()), &arguments.compare) {
        (Some(worse), Some(path)) if !worse.is_empty() => {
            Err(Failure::failed(anyhow!("worse than {}: {}", path.display(), worse.join("; "))))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn measure(
    setup: &Setup,
    subject: Subject,
    (seconds, schedule): (u32, Schedule),
    started: Instant,
) -> Result<BenchReport, Failure> {
    let counters = Arc::new(Counters::default());
    let before = MachineCpu::read();
    let live = listen(setup, schedule, seconds, &counters)?;
    let throughput = throughput(setup, schedule)?;
    let noise = Noise::new(live.wakes, before.zip(MachineCpu::read()));
    Ok(BenchReport {
        format: FORMAT.to_owned(),
        subject,
        seconds,
        windows: live.seen.published,
        windows_at_client: live.seen.latency.windows(),
        windows_skipped: counters.windows_skipped.get(),
        samples_dropped: counters.samples_dropped.get(),
        latency: live.seen.latency.stages(),
        tail_ratio: live.seen.latency.tail_ratio(),
        cpu: live.seen.cpu_share(),
        peak_resident_bytes: live.peak_resident_bytes,
        start_up: live.seen.start_up(started, live.sample_rate),
        throughput,
        noise,
    })
}
