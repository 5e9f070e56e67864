//! `tympan bench`: its arguments, what it measures, what is printed and the exit code. Runs on the main thread.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;

use super::signals::stop_flag;
use super::{Failure, load_setup_with, output};
use crate::assembly::{ConfigOverrides, Scope, Setup};
use crate::benchmark::{
    BenchReport, Benchmark, BenchmarkError, Compared, Comparison, Subject, check_place,
    load_baseline, measure, process_started, save_baseline,
};
use crate::config::Engine;

/// Arguments of `tympan bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Configuration file; without it the built-in one. Its outputs are left alone
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// How long to capture the demo at real-time pace
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..=86_400))]
    seconds: u32,
    /// Score every window from scratch with libtorch, as with engine = "libtorch": the reference that incremental inference
    /// is measured against
    #[cfg(feature = "torch")]
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
    let started = process_started(Instant::now());
    #[cfg(feature = "torch")]
    let engine = arguments.exact_from_scratch.then_some(Engine::Libtorch);
    #[cfg(not(feature = "torch"))]
    let engine = None;
    let (config, model) = (arguments.config.as_deref(), arguments.model.as_deref());
    let overrides = ConfigOverrides { engine, ..ConfigOverrides::default() };
    let setup = load_setup_with(config, model, overrides, Scope::Recognition)?;
    let schedule = match setup.config.engine {
        _ if setup.scorers.module_sha256().is_some() => "torchscript",
        Engine::Incremental => "incremental",
        Engine::Libtorch => "from scratch",
    };
    let subject = Subject::new(setup.model(), schedule);
    // what cannot be compared or saved is known before anybody waits for a measurement
    let compared_with = arguments.compare.as_ref().map(|path| load_baseline(path, &subject));
    let compared_with = compared_with.transpose().map_err(failure_of)?;
    if let Some(path) = &arguments.save {
        check_place(path).map_err(failure_of)?;
    }
    let report = measure_demo(&setup, subject, arguments.seconds, started)?;
    let comparison = compared_with.map(|then| Comparison::new(&report, &then, arguments.tolerance));
    if arguments.json {
        output::print_json(&Compared { report: &report, comparison: comparison.as_ref() })?;
    } else {
        let compared = comparison.as_ref().map(Comparison::text).unwrap_or_default();
        output::print(&format!("{}{compared}", report.text()))?;
    }
    if let Some(path) = &arguments.save {
        save_baseline(path, &report).map_err(failure_of)?;
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

fn measure_demo(
    setup: &Setup,
    subject: Subject,
    seconds: u32,
    started: Instant,
) -> Result<BenchReport, Failure> {
    let (input, pipeline) = setup.demo()?;
    measure(Benchmark {
        subject,
        seconds,
        started,
        scorer: setup.scorers.scorer()?,
        pipeline,
        input,
        full_speed_scorer: setup.scorers.scorer()?,
        stop: stop_flag()?,
    })
    .map_err(failure_of)
}

fn failure_of(error: BenchmarkError) -> Failure {
    match error {
        BenchmarkError::Daemon(error) => Failure::of_daemon(error),
        BenchmarkError::NoBaseline { .. }
        | BenchmarkError::NoJson { .. }
        | BenchmarkError::OtherFormat { .. }
        | BenchmarkError::Damaged { .. }
        | BenchmarkError::OtherSubject { .. }
        | BenchmarkError::Place { .. } => Failure::usage(error),
        BenchmarkError::Features(_) | BenchmarkError::Recognition(_) => {
            Failure::device_or_model(error)
        }
        _ => Failure::failed(error),
    }
}
