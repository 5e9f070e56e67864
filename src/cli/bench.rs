//! `tympan bench`: how long a window takes from its last sample to its record, stage by stage, and how much faster than
//! real time the same work runs offline.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;

use super::bench_report::{BenchReport, LatencyHistograms, Throughput};
use super::run::{SILENT_AFTER, failure_of, stop_on_signal};
use super::setup::Setup;
use super::source_choice::{self, SourceChoice};
use super::{Failure, output};
use crate::domain::{Clip, Counters};
use crate::features::Featuriser;
use crate::live::{Daemon, PipelineSpec};
use crate::model::Schedule;
use crate::offline::ClipScanner;
use crate::recognition::{Recogniser, RecogniserSpec};
use crate::sinks::WhenFull;
use crate::sources::{Repeat, SampleReader, Soundscape, SourceError};

/// Arguments of `tympan bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Configuration file; without it the built-in one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// How long to listen to the demo at real-time pace
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..=86_400))]
    seconds: u32,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
///
/// # Errors
/// [`Failure`] when the bundle cannot be used.
pub fn bench(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    let setup = Setup::load(arguments.config.as_deref(), arguments.model.as_deref())?;
    let counters = Arc::new(Counters::default());
    let latency = live_latency(&setup, arguments.seconds, &counters)?;
    let report = BenchReport {
        model: setup.bundle.manifest.name.clone(),
        seconds: arguments.seconds,
        windows: latency.windows(),
        windows_skipped: counters.windows_skipped.get(),
        samples_dropped: counters.samples_dropped.get(),
        latency: latency.stages(),
        throughput: throughput(&setup)?,
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole daemon on the demo at real-time pace, without sinks.
fn live_latency(
    setup: &Setup,
    seconds: u32,
    counters: &Arc<Counters>,
) -> Result<LatencyHistograms, Failure> {
    let opened = source_choice::open(Some(&SourceChoice::Demo), &setup.config.source, None)?;
    let stop = stop_on_signal()?;
    let done = Arc::new(AtomicBool::new(false));
    let until = u64::from(seconds) * u64::from(opened.source.sample_rate().hz());
    let histograms = Arc::new(Mutex::new(LatencyHistograms::new()));
    let (seen, enough) = (Arc::clone(&histograms), (Arc::clone(&stop), Arc::clone(&done)));
    let daemon = Daemon {
        source: opened.source,
        scorer: Box::new(
            setup.bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?,
        ),
        sinks: Vec::new(),
        spec: PipelineSpec {
            featuriser: setup.bundle.featuriser_spec(),
            smoothing: setup.config.detector.smoothing,
            detector: setup.detector.clone(),
            top: setup.config.output.top_labels,
            when_full: WhenFull::DropAndCount,
            ring: setup.config.source.ring,
            silent_after: SILENT_AFTER,
            device: opened.description,
            model: setup.bundle.manifest.name.clone(),
            counters: Arc::clone(counters),
        },
        stop,
        on_window: Some(Box::new(move |window, times| {
            seen.lock().expect("invariant: nobody panics with the lock").record(&times);
            if window.end_sample.0 >= until {
                let (stop, done) = &enough;
                // Relaxed: the flag guards nothing but itself.
                done.store(true, Ordering::Relaxed);
                // Relaxed: the flag guards nothing but itself.
                stop.store(true, Ordering::Relaxed);
            }
        })),
    };
    daemon.run().map_err(failure_of)?;
    // Relaxed: the thread that set it has been joined.
    if !done.load(Ordering::Relaxed) {
        return Err(Failure::failed(anyhow!("interrupted; nothing is reported")));
    }
    let histograms = histograms.lock().expect("invariant: nobody panics with the lock");
    Ok(histograms.clone())
}

/// One round of the demo, in memory, as fast as it goes: the front end alone, then all of it.
fn throughput(setup: &Setup) -> Result<Throughput, Failure> {
    let clip = demo_round().map_err(Failure::failed)?;
    let audio = clip.sample_rate.duration_of(clip.samples.len() as u64);
    let spec = setup.bundle.featuriser_spec();
    let front_end = best_of_three(|| {
        let mut featuriser =
            Featuriser::new(&spec, clip.sample_rate).map_err(Failure::device_or_model)?;
        let mut windows = 0u64;
        featuriser.push(&clip.samples, crate::features::Arrival::now(), &mut |_| windows += 1);
        Ok(windows)
    })?;
    let scorer = setup.bundle.scorer(Schedule::Incremental).map_err(Failure::device_or_model)?;
    let recogniser = RecogniserSpec {
        source: "demo".into(),
        sample_rate: clip.sample_rate,
        smoothing: setup.config.detector.smoothing,
        detector: setup.detector.clone(),
        top: setup.config.output.top_labels,
    };
    let recogniser =
        Recogniser::new(Box::new(scorer), recogniser).map_err(Failure::device_or_model)?;
    let mut scanner = ClipScanner::new(spec.clone(), recogniser);
    let whole = best_of_three(|| {
        let scan = scanner.scan(&clip, "demo".into(), &mut |_| {}).map_err(Failure::failed)?;
        Ok(scan.windows)
    })?;
    Ok(Throughput {
        front_end_times_real_time: audio.as_secs_f64() / front_end.0.as_secs_f64(),
        whole_times_real_time: audio.as_secs_f64() / whole.0.as_secs_f64(),
        windows_per_second: whole.1 as f64 / whole.0.as_secs_f64(),
    })
}

/// The shortest of three runs, and what it counted: the least disturbed by whatever else the machine does.
fn best_of_three(
    mut run: impl FnMut() -> Result<u64, Failure>,
) -> Result<(Duration, u64), Failure> {
    let mut best: Option<(Duration, u64)> = None;
    for _ in 0..3 {
        let begun = Instant::now();
        let count = run()?;
        let took = begun.elapsed();
        if best.is_none_or(|(shortest, _)| took < shortest) {
            best = Some((took, count));
        }
    }
    Ok(best.expect("invariant: it ran three times"))
}

fn demo_round() -> Result<Clip, SourceError> {
    let mut demo = Soundscape::with_repeat(source_choice::DEMO_SEED, Repeat::Once);
    let mut clip = Clip { sample_rate: demo.sample_rate(), samples: Vec::new() };
    let mut block = [0.0; 4_800];
    loop {
        match demo.read(&mut block)? {
            0 => return Ok(clip),
            read => clip.samples.extend_from_slice(&block[..read]),
        }
    }
}
