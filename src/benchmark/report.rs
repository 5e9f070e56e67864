//! Everything `tympan bench` found, as text and as JSON; and reports kept in files, to be compared with a measurement to come.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::BenchmarkError;
use super::latency::StageLatency;
use super::noise::Noise;
use super::own_process::CpuShare;
use super::socket_client::StartUp;
use super::throughput::Throughput;
use crate::files::{self, Durability};
use crate::model::Model;

/// Names the layout of a report; another one is another format.
pub const FORMAT: &str = "tympan bench 1";

/// A thread that used less than this share of a core is not worth a mention.
const MIN_SHARE_SHOWN: f64 = 0.0005;

/// What was measured, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The model's name.
    pub model: String,
    /// Its network and windows, in words.
    pub network: String,
    /// `incremental` or `from scratch`.
    pub schedule: String,
    /// The version of tympan, and whether it was built with optimisation.
    pub build: String,
    /// The processor's name and how many cores there are.
    pub machine: String,
}

impl Subject {
    /// A model on this machine; `schedule` says how it is computed.
    pub fn new(model: &Model, schedule: &str) -> Self {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let window = model.featuriser_spec().window;
        Self {
            model: model.name().to_owned(),
            network: format!(
                "{}; windows of {} frames, one every {}",
                model.network_words(),
                window.frames,
                window.hop_frames
            ),
            schedule: schedule.to_owned(),
            build: format!("tympan {}, {profile} build", env!("CARGO_PKG_VERSION")),
            machine: format!("{}, {} cores", processor(), cores()),
        }
    }
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// As Linux names it; on ARM it often has no name.
fn processor() -> String {
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = list.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// Name and version of the report's layout.
    pub format: String,
    /// What was measured.
    #[serde(flatten)]
    pub subject: Subject,
    /// Seconds captured at real-time pace.
    pub seconds: u32,
    /// Windows scored in them and published.
    pub windows: u64,
    /// Those that the client read.
    pub windows_at_client: u64,
    /// Windows skipped.
    pub windows_skipped: u64,
    /// Samples dropped.
    pub samples_dropped: u64,
    /// By stage; the last is the sum.
    pub latency: Vec<StageLatency>,
    /// p99 of the sum over its p50.
    pub tail_ratio: f64,
    /// Processor time of the daemon while it ran; nothing where Linux does not report it.
    pub cpu: Option<CpuShare>,
    /// The most memory that was resident until the end of the listening.
    pub peak_resident_bytes: Option<u64>,
    /// How long it took to begin.
    pub start_up: Option<StartUp>,
    /// As fast as it goes.
    pub throughput: Throughput,
    /// Whether any of this can be believed.
    pub noise: Noise,
}

impl BenchReport {
    /// For people.
    pub fn text(&self) -> String {
        let Subject { model, network, schedule, build, machine } = &self.subject;
        let mut text = format!(
            "{model}, {schedule}; {build}; {machine}\n{network}\n{} s of the demo at real-time pace through the daemon to a \
             client of its socket:\n{} windows, {} of them at the client, {} skipped; {} samples dropped\n",
            self.seconds,
            self.windows,
            self.windows_at_client,
            self.windows_skipped,
            self.samples_dropped,
        );
        text.push_str(&self.latency_table());
        if let Some(cpu) = &self.cpu {
            let _ = writeln!(text, "processor  {}", processor_text(cpu));
        }
        if let Some(bytes) = self.peak_resident_bytes {
            let _ = writeln!(text, "memory     {:.0} MB resident at most", bytes as f64 / 1e6);
        }
        if let Some(start_up) = &self.start_up {
            let _ = writeln!(
                text,
                "start-up   READY after {:.0} ms, first label after {:.0} ms; {:.0} ms less the length of its audio",
                start_up.ready_ms, start_up.first_label_ms, start_up.first_label_without_audio_ms
            );
        }
        let _ = writeln!(
            text,
            "full speed one thread, 48 kHz: front end {:.0} × real time; all of it {:.0} × real time, {:.0} windows a \
             second",
            self.throughput.front_end_times_real_time,
            self.throughput.whole_times_real_time,
            self.throughput.windows_per_second
        );
        let _ = writeln!(text, "machine    {}", self.noise.text());
        text
    }

    fn latency_table(&self) -> String {
        // writing to a string cannot fail
        let mut table = format!(
            "\n{:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}\n",
            "latency in µs", "p50", "p90", "p99", "p99.9", "max", "share"
        );
        for stage in &self.latency {
            let _ = writeln!(
                table,
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
        let _ = writeln!(table, "{:<22} {:>29.2}\n", "p99 over p50", self.tail_ratio);
        table
    }
}

/// The stage; the main thread, which supervises, has the program's name.
fn short_name(thread: &str) -> &str {
    match thread.strip_prefix("tympan-") {
        Some(stage) => stage,
        None if thread == "tympan" => "supervisor",
        None => thread,
    }
}

/// Names the threads that it includes: the demo's synthesis is a cost that no microphone has.
fn processor_text(cpu: &CpuShare) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let shown = cpu.threads.iter().filter(|thread| thread.of_a_core >= MIN_SHARE_SHOWN);
    let threads: Vec<String> = shown
        .map(|thread| format!("{} {}", short_name(&thread.thread), percent(thread.of_a_core)))
        .collect();
    format!(
        "{} of a core from the first window on, all threads but the bench's own:\n           {}",
        percent(cpu.of_a_core),
        threads.join(", ")
    )
}

/// Reads a baseline for a measurement of `subject`.
///
/// # Errors
/// [`BenchmarkError`]: a file that cannot be read, is no report of this format, or is about another model or schedule.
pub fn load_baseline(path: &Path, subject: &Subject) -> Result<BenchReport, BenchmarkError> {
    let baseline = read(path)?;
    let sides = [
        ("model", &baseline.subject.model, &subject.model),
        ("network", &baseline.subject.network, &subject.network),
        ("schedule", &baseline.subject.schedule, &subject.schedule),
    ];
    if let Some((what, then, now)) = sides.into_iter().find(|(_, then, now)| then != now) {
        let (path, then, now) = (path.to_owned(), then.clone(), now.clone());
        return Err(BenchmarkError::OtherSubject { path, what, then, now });
    }
    Ok(baseline)
}

fn read(path: &Path) -> Result<BenchReport, BenchmarkError> {
    let path = path.to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(BenchmarkError::NoBaseline { path, source }),
    };
    let value: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(source) => return Err(BenchmarkError::NoJson { path, source }),
    };
    if value["format"] != FORMAT {
        let found = value["format"].to_string();
        return Err(BenchmarkError::OtherFormat { path, found, expected: FORMAT });
    }
    serde_json::from_value(value).map_err(|source| BenchmarkError::Damaged { path, source })
}

/// Looks, before anything is measured, whether a file could stand there.
///
/// # Errors
/// [`BenchmarkError::Place`].
pub fn check_place(path: &Path) -> Result<(), BenchmarkError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let fault = match folder {
        _ if path.is_dir() => "it is a folder",
        Some(folder) if !folder.is_dir() => "its folder does not exist",
        _ => return Ok(()),
    };
    Err(BenchmarkError::Place { path: path.to_owned(), fault })
}

/// Keeps `report`; a baseline that was there before stays whole until the new one is.
///
/// # Errors
/// [`BenchmarkError::Write`] when it cannot be written.
pub fn save_baseline(path: &Path, report: &BenchReport) -> Result<(), BenchmarkError> {
    let text = serde_json::to_string_pretty(report).map_err(std::io::Error::from);
    text.and_then(|text| files::replace(path, format!("{text}\n").as_bytes(), Durability::Synced))
        .map_err(|source| BenchmarkError::Write { path: path.to_owned(), source })
}
