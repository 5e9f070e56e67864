//! The figures of a report, one by one: what each is called, which way is better, and whether it is judged.

use super::latency::StageLatency;
use super::report::BenchReport;

/// Differences in latency below this are the kernel's: it lets a sleeping thread sleep 50 µs longer.
const LATENCY_FLOOR_US: f64 = 50.0;
/// The start of a process is known to 10 ms, and so is the age it is computed from.
const START_UP_FLOOR_MS: f64 = 20.0;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less time, less memory, fewer losses.
    Lower,
    /// More work done.
    Higher,
}

/// Whether a figure decides anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Judged,
    /// Too few windows make it, or it is told by another.
    Shown,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is called, in every report.
    pub name: String,
    /// Its unit; empty for counts.
    pub unit: &'static str,
    /// Its value.
    pub value: f64,
    /// Which way is better.
    pub better: Better,
    /// Whether it decides anything.
    pub weight: Weight,
    /// Differences up to this say nothing.
    pub floor: f64,
}

impl Figure {
    fn lower(name: &str, unit: &'static str, value: f64) -> Self {
        let (better, weight) = (Better::Lower, Weight::Judged);
        Self { name: name.to_owned(), unit, value, better, weight, floor: 0.0 }
    }

    fn higher(name: &str, unit: &'static str, value: f64) -> Self {
        Self { better: Better::Higher, ..Self::lower(name, unit, value) }
    }

    fn start_up(name: &str, value: f64) -> Self {
        Self { floor: START_UP_FLOOR_MS, ..Self::lower(name, "ms", value) }
    }
}

/// All figures of a report.
pub fn figures(report: &BenchReport) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some((sum, stages)) = report.latency.split_last() {
        stages.iter().for_each(|stage| figures.extend(percentiles(stage, &["p50"])));
        figures.extend(percentiles(sum, &["p50", "p90", "p99"]));
    }
    if let Some(cpu) = &report.cpu {
        figures.push(Figure::lower("processor", "% of a core", cpu.of_a_core * 100.0));
    }
    if let Some(bytes) = report.peak_resident_bytes {
        figures.push(Figure::lower("peak memory", "MB", bytes as f64 / 1e6));
    }
    if let Some(start_up) = &report.start_up {
        figures.push(Figure::start_up("READY", start_up.ready_ms));
        let without_audio = start_up.first_label_without_audio_ms;
        figures.push(Figure::start_up("first label less its audio", without_audio));
    }
    let throughput = &report.throughput;
    let front_end = throughput.front_end_times_real_time;
    figures.push(Figure::higher("front end alone", "× real time", front_end));
    figures.push(Figure::higher("full speed", "× real time", throughput.whole_times_real_time));
    figures.push(Figure::lower("windows skipped", "", report.windows_skipped as f64));
    figures.push(Figure::lower("samples dropped", "", report.samples_dropped as f64));
    figures
}

/// The percentiles of one stage, those in `judged` judged.
fn percentiles(stage: &StageLatency, judged: &[&str]) -> Vec<Figure> {
    let values = [
        ("p50", stage.p50_us),
        ("p90", stage.p90_us),
        ("p99", stage.p99_us),
        ("p99.9", stage.p999_us),
        ("max", stage.max_us),
    ];
    let figure = |(percentile, micros): (&str, u64)| Figure {
        floor: LATENCY_FLOOR_US,
        weight: if judged.contains(&percentile) { Weight::Judged } else { Weight::Shown },
        ..Figure::lower(&format!("{}, {percentile}", stage.stage), "µs", micros as f64)
    };
    values.into_iter().map(figure).collect()
}
