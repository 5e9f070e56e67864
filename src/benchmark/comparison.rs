//! A report against a baseline, figure by figure: what each is called, which way is better, whether it is judged; its ratio, and
//! whether it is worse than the tolerance.

use std::fmt::Write as _;

use serde::Serialize;

use super::latency::StageLatency;
use super::report::BenchReport;

/// Differences in latency below this are the kernel's: it lets a sleeping thread sleep 50 µs longer.
const LATENCY_FLOOR_US: f64 = 50.0;
/// The start of a process is known to 10 ms, and so is the age it is computed from.
const START_UP_FLOOR_MS: f64 = 20.0;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    /// Less time, less memory, fewer losses.
    Lower,
    /// More work done.
    Higher,
}

/// Whether a figure decides anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It does.
    Counted,
    /// Too few windows make it, or another figure shows it.
    Shown,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    /// What it is called, in every report.
    name: String,
    /// Its unit; empty for counts.
    unit: &'static str,
    /// Its value.
    value: f64,
    /// Which way is better.
    better: Better,
    /// Whether it decides anything.
    weight: Weight,
    /// Differences up to this say nothing.
    floor: f64,
}

impl Figure {
    fn lower(name: &str, unit: &'static str, value: f64) -> Self {
        let (better, weight) = (Better::Lower, Weight::Counted);
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
fn figures(report: &BenchReport) -> Vec<Figure> {
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
fn percentiles(stage: &StageLatency, counted: &[&str]) -> Vec<Figure> {
    let values = [
        ("p50", stage.p50_us),
        ("p90", stage.p90_us),
        ("p99", stage.p99_us),
        ("p99.9", stage.p999_us),
        ("max", stage.max_us),
    ];
    let figure = |(percentile, micros): (&str, u64)| Figure {
        floor: LATENCY_FLOOR_US,
        weight: if counted.contains(&percentile) { Weight::Counted } else { Weight::Shown },
        ..Figure::lower(&format!("{}, {percentile}", stage.stage), "µs", micros as f64)
    };
    values.into_iter().map(figure).collect()
}

/// A report, and what it is compared with, as one JSON object.
#[derive(Serialize)]
pub struct Compared<'a> {
    /// The report.
    #[serde(flatten)]
    pub report: &'a BenchReport,
    /// Left out where nothing is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<&'a Comparison>,
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Better by more than the tolerance.
    Better,
    /// Within the tolerance.
    Fine,
    /// Worse by more than the tolerance.
    Worse,
    /// Shown only.
    NotCompared,
}

/// One figure, then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedFigure {
    /// Its name.
    pub figure: String,
    /// Its unit.
    pub unit: &'static str,
    /// The baseline's.
    pub then: f64,
    /// This run's.
    pub now: f64,
    /// `now` over `then`; nothing where that was zero.
    pub ratio: Option<f64>,
    /// What became of it.
    pub verdict: Verdict,
}

impl ComparedFigure {
    fn new(then: &Figure, now: &Figure, tolerance: f64) -> Self {
        let (before, after) = match now.better {
            Better::Lower => (then.value, now.value),
            Better::Higher => (now.value, then.value),
        };
        // from here on, more is worse
        let beyond =
            |one: f64, other: f64| other - one > now.floor && other > one * (1.0 + tolerance);
        let verdict = match now.weight {
            Weight::Shown => Verdict::NotCompared,
            Weight::Counted if beyond(before, after) => Verdict::Worse,
            Weight::Counted if beyond(after, before) => Verdict::Better,
            Weight::Counted => Verdict::Fine,
        };
        let ratio = (then.value != 0.0).then(|| now.value / then.value);
        let (figure, unit) = (now.name.clone(), now.unit);
        Self { figure, unit, then: then.value, now: now.value, ratio, verdict }
    }
}

/// A report against a baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How much worse a figure was allowed to be: what was asked for, twice that on a noisy machine.
    pub tolerance: f64,
    /// What makes the comparison doubtful.
    pub doubts: Vec<String>,
    /// Every figure that both have.
    pub figures: Vec<ComparedFigure>,
}

impl Comparison {
    /// Compares `now` with `then`.
    pub fn new(now: &BenchReport, then: &BenchReport, tolerance: f64) -> Self {
        let mut doubts = Vec::new();
        let is_noisy = now.noise.is_noisy() || then.noise.is_noisy();
        for (run, report) in [("this run", now), ("the baseline", then)] {
            if report.noise.is_noisy() {
                let too_much = report.noise.too_much.join(", ");
                doubts.push(format!(
                    "{run} was measured on a noisy machine, so twice the tolerance holds: {too_much}"
                ));
            }
        }
        let profile = |build: &str| build.rsplit(", ").next().map(str::to_owned);
        if now.subject.machine != then.subject.machine {
            doubts
                .push(format!("the baseline comes from another machine: {}", then.subject.machine));
        }
        if profile(&now.subject.build) != profile(&then.subject.build) {
            doubts.push(format!("the baseline comes from another build: {}", then.subject.build));
        }
        let tolerance = if is_noisy { 2.0 * tolerance } else { tolerance };
        let before = figures(then);
        let figures = figures(now)
            .iter()
            .filter_map(|now| {
                let then = before.iter().find(|then| then.name == now.name)?;
                Some(ComparedFigure::new(then, now, tolerance))
            })
            .collect();
        Self { tolerance, doubts, figures }
    }

    /// What is worse, in words.
    pub fn worse(&self) -> Vec<String> {
        let worse = self.figures.iter().filter(|figure| figure.verdict == Verdict::Worse);
        worse
            .map(|figure| {
                let ComparedFigure { figure: name, unit, then, now, .. } = figure;
                let ratio = figure.ratio.map_or_else(String::new, |ratio| format!(", ×{ratio:.2}"));
                let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
                format!("{name} ({} → {}{unit}{ratio})", rounded(*then), rounded(*now))
            })
            .collect()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "\n{:<30} {:>10} {:>10} {:>7}\n",
            "against the baseline", "then", "now", "ratio"
        );
        for figure in &self.figures {
            let ratio = figure.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
            let verdict = match figure.verdict {
                Verdict::Worse => "  worse",
                Verdict::Better => "  better",
                Verdict::NotCompared => "  (not judged)",
                Verdict::Fine => "",
            };
            // writing to a string cannot fail
            let _ = writeln!(
                text,
                "{:<30} {:>10} {:>10} {ratio:>7}  {:<11}{verdict}",
                figure.figure,
                rounded(figure.then),
                rounded(figure.now),
                figure.unit
            );
        }
        for doubt in &self.doubts {
            let _ = writeln!(text, "doubtful: {doubt}");
        }
        let percent = self.tolerance * 100.0;
        let _ = match self.worse().len() {
            0 => writeln!(text, "nothing is worse by more than {percent:.0} %"),
            1 => writeln!(text, "one figure is worse by more than {percent:.0} %"),
            count => writeln!(text, "{count} figures are worse by more than {percent:.0} %"),
        };
        text
    }
}

/// Four digits at most behind the point's place: 1715, 23.4, 6.12.
fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 100.0 || large.fract() == 0.0 => 0,
        medium if medium >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A quiet run with `full_speed` times real time and a p50 of the sum.
    fn report(full_speed: f64, p50_us: u64) -> BenchReport {
        let stage = |stage: &str, p50_us: u64| {
            json!({"stage": stage, "p50_us": p50_us, "p90_us": p50_us, "p99_us": p50_us, "p999_us": p50_us,
                   "max_us": p50_us, "share": 1.0})
        };
        let report = json!({
            "format": "tympan bench 1", "model": "esc50", "network": "crnn", "schedule": "incremental",
            "build": "tympan 1.0.0, release build", "machine": "a processor, 2 cores", "seconds": 3, "windows": 14,
            "windows_at_client": 14, "windows_skipped": 0, "samples_dropped": 0,
            "latency": [stage("one", 40), stage("sum", p50_us)], "tail_ratio": 1.0, "cpu": null,
            "peak_resident_bytes": 200_000_000, "start_up": null,
            "throughput": {"front_end_times_real_time": 500.0, "whole_times_real_time": full_speed,
                           "windows_per_second": 1000.0},
            "noise": {"too_much": [], "wake_p50_us": 60, "wake_p99_us": 90, "wake_max_us": 300,
                      "others_share": 0.01, "steal_share": 0.0},
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn less_work_done_and_more_time_taken_are_worse_beyond_the_tolerance() {
        let then = report(100.0, 2_000);
        let within = Comparison::new(&report(90.0, 2_190), &then, 0.1);
        // 100 is not a tenth more than 90, it is a ninth
        assert_eq!(within.worse(), ["full speed (100 → 90 × real time, ×0.90)"]);
        let beyond = Comparison::new(&report(200.0, 2_300), &then, 0.1);
        let worse = beyond.worse().join("; ");
        assert!(worse.starts_with("sum, p50 (2000 → 2300 µs, ×1.15); sum, p90"), "{worse}");
        assert!(!worse.contains("full speed") && !worse.contains("max"), "{worse}");
        let faster = beyond.figures.iter().find(|figure| figure.figure == "full speed").unwrap();
        assert_eq!(faster.verdict, Verdict::Better);
    }

    #[test]
    fn a_difference_of_microseconds_is_no_verdict_however_large_its_ratio() {
        let mut now = report(100.0, 2_000);
        now.latency[0].p50_us = 85;
        assert!(Comparison::new(&now, &report(100.0, 2_000), 0.1).worse().is_empty());
        now.latency[0].p50_us = 95;
        assert_eq!(Comparison::new(&now, &report(100.0, 2_000), 0.1).worse().len(), 1);
    }

    #[test]
    fn on_a_noisy_machine_twice_the_tolerance_holds_and_it_is_reported() {
        let (mut now, then) = (report(85.0, 2_000), report(100.0, 2_000));
        assert_eq!(Comparison::new(&now, &then, 0.1).worse().len(), 1);
        now.noise.too_much.push("a busy neighbour".to_owned());
        let noisy = Comparison::new(&now, &then, 0.1);
        assert!(noisy.worse().is_empty());
        let text = noisy.text();
        assert!(text.contains("twice the tolerance holds: a busy neighbour"), "{text}");
        now.throughput.whole_times_real_time = 80.0;
        assert_eq!(Comparison::new(&now, &then, 0.1).worse().len(), 1);
    }

    #[test]
    fn losses_where_there_were_none_are_worse_whatever_the_tolerance() {
        let mut now = report(100.0, 2_000);
        now.samples_dropped = 480;
        let worse = Comparison::new(&now, &report(100.0, 2_000), 10.0).worse();
        assert_eq!(worse, ["samples dropped (0 → 480)"]);
    }
}
