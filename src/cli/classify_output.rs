//! The formats of `tympan classify`. Fed with the records of one recording after the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::domain::{EventPhase, EventRecord, Record, SampleIndex, SampleRate, printable};
use crate::files::csv_text;
use crate::sinks::LineFormat;

/// Labels a summary lists.
const SUMMARY_LABELS: usize = 3;

/// Formats of `tympan classify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ClassifyFormat {
    /// A summary a recording, for people
    Text,
    /// The daemon's records, JSON Lines
    Jsonl,
    /// An event a line
    Csv,
    /// A label track for Audacity
    Audacity,
}

/// Writes what is heard in one recording after the other.
pub struct ClipWriter {
    format: ClassifyFormat,
    text: String,
    name: Arc<str>,
    sample_rate: Option<SampleRate>,
    samples: u64,
    windows: u32,
    sums: BTreeMap<Arc<str>, f32>,
    events: String,
}

impl ClipWriter {
    /// Nothing written yet.
    pub fn new(format: ClassifyFormat) -> Self {
        Self {
            format,
            text: String::new(),
            name: Arc::from(""),
            sample_rate: None,
            samples: 0,
            windows: 0,
            sums: BTreeMap::new(),
            events: String::new(),
        }
    }

    /// What stands above the first recording.
    pub fn heading(&self) -> &'static str {
        match self.format {
            ClassifyFormat::Csv => "path,start_s,end_s,label,peak_score\n",
            ClassifyFormat::Text | ClassifyFormat::Jsonl | ClassifyFormat::Audacity => "",
        }
    }

    /// Begins a recording of `samples` samples.
    pub fn begin(&mut self, name: &Arc<str>, sample_rate: SampleRate, samples: u64) {
        self.name = Arc::clone(name);
        self.sample_rate = Some(sample_rate);
        self.samples = samples;
        self.windows = 0;
        self.sums.clear();
        self.events.clear();
        self.text.clear();
    }

    /// Takes a record of the recording.
    pub fn record(&mut self, record: &Record) {
        if self.format == ClassifyFormat::Jsonl {
            let mut line = String::new();
            LineFormat::JsonLines.render_into(record, self.sample_rate, &mut line);
            self.text.push_str(&line);
            return;
        }
        match record {
            Record::Window(window) => {
                self.windows += 1;
                for score in &window.scores {
                    *self.sums.entry(Arc::clone(&score.label)).or_default() += score.score;
                }
            }
            Record::Event(event) => {
                if let EventPhase::Offset { end_sample, peak_score } = event.phase {
                    self.event(event, end_sample, peak_score);
                }
            }
            Record::Gap(_) | Record::Status(_) => {}
        }
    }

    fn event(&mut self, event: &EventRecord, end: SampleIndex, peak: f32) {
        let seconds = |index| self.sample_rate.map_or(0.0, |rate| rate.seconds_at(index));
        let (start, end) = (seconds(event.start_sample), seconds(end));
        let label = printable(&event.label);
        // writing to a string cannot fail
        let _ = match self.format {
            ClassifyFormat::Csv => {
                let numbers = [format!("{start:.3}"), format!("{end:.3}"), format!("{peak:.4}")];
                let [start, end, peak] = &numbers;
                let name = printable(&self.name);
                let row = [name.as_ref(), start, end, label.as_ref(), peak];
                write!(self.events, "{}", csv_text([row]))
            }
            ClassifyFormat::Audacity => writeln!(self.events, "{start:.6}\t{end:.6}\t{label}"),
            ClassifyFormat::Text | ClassifyFormat::Jsonl => {
                writeln!(self.events, "  {start:8.2} s to {end:8.2} s  {label} {peak:.2}")
            }
        };
    }

    /// Ends the recording.
    pub fn end(&mut self, padded_samples: u64) {
        if self.format == ClassifyFormat::Text {
            self.summary(padded_samples);
        }
        if self.format != ClassifyFormat::Jsonl {
            self.text.push_str(&self.events);
        }
    }

    fn summary(&mut self, padded_samples: u64) {
        let seconds =
            self.sample_rate.map_or(0.0, |rate| rate.duration_of(self.samples).as_secs_f64());
        let mut means: Vec<(&Arc<str>, f32)> = self
            .sums
            .iter()
            .map(|(label, sum)| (label, sum / self.windows.max(1) as f32))
            .collect();
        means.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best: Vec<String> = means
            .iter()
            .take(SUMMARY_LABELS)
            .map(|(label, mean)| format!("{} {mean:.2}", printable(label)))
            .collect();
        let judged = if best.is_empty() { "nothing to judge".to_owned() } else { best.join(", ") };
        let padded = if padded_samples > 0 { ", padded to one window" } else { "" };
        let _ = writeln!(self.text, "{} ({seconds:.2} s{padded}): {judged}", printable(&self.name));
    }

    /// What is written of the recording, to be printed.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
