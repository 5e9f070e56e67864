//! `tympan classify`: the labels and events of recordings, through the same path as the daemon, and their formats.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use super::failure::with_causes;
use super::output::progress_bar;
use super::{Failure, load_setup, output};
use crate::domain::{EventPhase, EventRecord, Record, SampleIndex, SampleRate, printable};
use crate::files::csv_text;
use crate::offline::{ClipScanner, ClipWindows, map_clips, worker_count};
use crate::sinks::LineFormat;
use crate::sources::{READ_FORMATS, find_recordings, load_clip};

/// Arguments of `tympan classify`.
#[derive(Debug, Args)]
pub struct ClassifyArguments {
    #[arg(required = true, value_name = "PATH", help = format!("Recordings ({READ_FORMATS}) and folders of them"))]
    paths: Vec<PathBuf>,
    /// Configuration file; its rules for events and its number of labels count here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model bundle
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// text: a summary a recording; jsonl: the daemon's records; csv: an event a line; audacity: a label track
    #[arg(long, value_enum, default_value_t = ClassifyFormat::Text)]
    format: ClassifyFormat,
}

/// Recordings that a worker classifies before their results are printed.
const GROUP: usize = 4;

/// Classifies every recording; those that cannot be read are named, and the others classified all the same.
///
/// # Errors
/// [`Failure`] with exit code 1 when some recordings could not be read, 2 or 3 when nothing could begin.
pub fn classify(arguments: &ClassifyArguments) -> Result<ExitCode, Failure> {
    let setup = load_setup(arguments.config.as_deref(), arguments.model.as_deref())?;
    let (files, empty) = recordings_in(&arguments.paths)?;
    if arguments.format == ClassifyFormat::Audacity && files.len() > 1 {
        return Err(Failure::usage(anyhow!(
            "a label track belongs to one recording, and there are {}; give them one at a time",
            files.len()
        )));
    }
    let top_labels = if arguments.format == ClassifyFormat::Jsonl {
        setup.config.output.top_labels
    } else {
        setup.model().labels().len()
    };
    let mut scanners = Vec::new();
    for _ in 0..worker_count().min(files.len()) {
        let featuriser = setup.model().featuriser_spec();
        scanners.push(ClipScanner::new(featuriser, setup.recogniser(top_labels)?));
    }
    let mut writer = ClipWriter::new(arguments.format);
    output::print(writer.heading())?;
    let bar = progress_bar(files.len() as u64, "recordings");
    let (mut unreadable, mut ids) = (empty, EventIds::default());
    for group in files.chunks(GROUP * scanners.len()) {
        let work = |scanner: &mut &mut ClipScanner, _: usize, path: &PathBuf| scan(path, scanner);
        let scanned = map_clips(group, scanners.iter_mut().collect(), work, &|| bar.inc(1));
        for (path, scanned) in group.iter().zip(scanned) {
            match scanned {
                Err(error) => {
                    bar.suspend(|| log::error!("{}", with_causes(&error)));
                    unreadable += 1;
                }
                Ok(scanned) => {
                    write(path, scanned, &mut writer, &mut ids);
                    bar.suspend(|| output::print(&writer.take()))?;
                }
            }
        }
    }
    bar.finish_and_clear();
    match unreadable {
        0 => Ok(ExitCode::SUCCESS),
        some => Err(Failure::failed(anyhow!(
            "{some} of {} recordings could not be classified; each is named above",
            files.len() + empty
        ))),
    }
}

/// The recordings that were named and those in folders, and how many folders have none; each of those is named.
///
/// # Errors
/// [`Failure`] when there is not one recording.
fn recordings_in(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, usize), Failure> {
    let (mut files, mut empty) = (Vec::new(), Vec::new());
    for path in paths {
        match find_recordings(std::slice::from_ref(path)) {
            Ok(mut found) => files.append(&mut found),
            Err(error) => empty.push(anyhow::Error::new(error)),
        }
    }
    if files.is_empty() {
        let last = empty.pop().unwrap_or_else(|| anyhow!("no recording was named"));
        empty.iter().for_each(|error| log::error!("{}", with_causes(error)));
        return Err(Failure::usage(last));
    }
    empty.iter().for_each(|error| log::error!("{}", with_causes(error)));
    Ok((files, empty.len()))
}

/// What one recording came to.
struct Scanned {
    name: Arc<str>,
    sample_rate: SampleRate,
    samples: u64,
    records: Vec<Record>,
    windows: ClipWindows,
}

/// Events are numbered by the scanner that found them; the reader counts on through all recordings.
#[derive(Default)]
struct EventIds {
    given: u64,
    /// Of the recording at hand: the scanner's number → the reader's.
    of_recording: HashMap<u64, u64>,
}

impl EventIds {
    fn of(&mut self, id: u64) -> u64 {
        *self.of_recording.entry(id).or_insert_with(|| {
            self.given += 1;
            self.given
        })
    }
}

fn scan(path: &Path, scanner: &mut ClipScanner) -> anyhow::Result<Scanned> {
    let clip = load_clip(path)?;
    let name: Arc<str> = path.display().to_string().into();
    let mut records: Vec<Record> = Vec::new();
    let emit = &mut |record| records.push(record);
    let windows = scanner.scan(&clip, Arc::clone(&name), emit)?;
    let samples = clip.samples.len() as u64;
    Ok(Scanned { name, sample_rate: clip.sample_rate, samples, records, windows })
}

fn write(path: &Path, scanned: Scanned, writer: &mut ClipWriter, ids: &mut EventIds) {
    let Scanned { name, sample_rate, samples, records, windows } = scanned;
    writer.begin(&name, sample_rate, samples);
    if windows.samples_repaired > 0 {
        log::warn!(
            "{}: {} samples were not finite or absurdly large and counted as zero",
            path.display(),
            windows.samples_repaired
        );
    }
    ids.of_recording.clear();
    for mut record in records {
        if let Record::Event(event) = &mut record {
            event.id = ids.of(event.id);
        }
        writer.record(&record);
    }
    writer.end(windows.padded_samples);
}

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

/// Writes the results of one recording after the other.
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
        let best_labels =
            if best.is_empty() { "nothing to judge".to_owned() } else { best.join(", ") };
        let padded = if padded_samples > 0 { ", padded to one window" } else { "" };
        let _ = writeln!(
            self.text,
            "{} ({seconds:.2} s{padded}): {best_labels}",
            printable(&self.name)
        );
    }

    /// What is written of the recording, to be printed.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
