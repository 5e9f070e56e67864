//! `tympan classify`: the labels and events of recordings, through the same path as the daemon, and their formats.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use crossbeam_channel::{Receiver, Sender, bounded};
use indicatif::ProgressBar;

use super::failure::with_causes;
use super::output::bytes_bar;
use super::signals::on_end;
use super::{Failure, load_setup, output};
use crate::domain::{EventPhase, EventRecord, Record, SampleIndex, SampleRate, printable};
use crate::files::csv_text;
use crate::offline::{ClipScanner, ClipWindows, ScanError, worker_count};
use crate::sinks::LineFormat;
use crate::sources::{
    ChannelSelection, ClipFile, READ_FORMATS, Repeat, SampleReader, find_recordings,
};

/// Arguments of `tympan classify`.
#[derive(Debug, Args)]
pub struct ClassifyArguments {
    #[arg(required = true, value_name = "PATH", help = format!("Recordings ({READ_FORMATS}), folders of them, or - for one on standard input"))]
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
    /// Channel to take, counted from 1; without it, the mean of all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    channel: Option<u16>,
}

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Records that are sent at a time: those of one batch of windows, about.
const RECORDS_A_PIECE: usize = 32;

/// Recordings that are begun before their turn to be printed has come, beyond one a worker.
const AHEAD: usize = 2;

/// Pieces of one recording's records that wait to be printed; then its worker waits.
const WAITING_PIECES: usize = 16;

/// Classifies every recording, piece by piece; those that cannot be read are named, and the others classified all the same.
/// What was found before the command is interrupted is printed.
///
/// # Errors
/// [`Failure`] with exit code 1 when some recordings could not be read or the command was interrupted, 2 or 3 when nothing
/// could begin.
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
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    on_end(move || {
        // a second time, somebody means it: a pipe may never bring another byte
        // Relaxed: the flag guards nothing but itself.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    })?;
    let writer = ClipWriter::new(arguments.format);
    output::print(writer.heading())?;
    let bar = bytes_bar(files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum());
    let selection = arguments
        .channel
        .map_or(ChannelSelection::Mix, |channel| ChannelSelection::One(channel - 1));
    let scans = Scans { files: &files, selection, stop: &stop, bar: &bar };
    let unreadable = empty + scans.print(scanners, writer)?;
    bar.finish_and_clear();
    // Relaxed: the flag guards nothing but itself.
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::failed(anyhow!("interrupted; what was found before is printed")));
    }
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

/// Recordings that are scanned at once and printed one after the other.
struct Scans<'a> {
    files: &'a [PathBuf],
    selection: ChannelSelection,
    stop: &'a AtomicBool,
    bar: &'a ProgressBar,
}

/// What a worker has to say of a recording.
enum Piece {
    Begin(Arc<str>, SampleRate),
    Records(Vec<Record>),
    End(Result<ClipWindows, ScanError>),
}

impl Scans<'_> {
    /// Scans all files, one worker a scanner, and prints what they come to; says how many could not be read.
    fn print(&self, scanners: Vec<ClipScanner>, mut writer: ClipWriter) -> Result<usize, Failure> {
        let in_flight = scanners.len() + AHEAD;
        let (jobs, queue) = bounded::<(&Path, Sender<Piece>)>(in_flight);
        thread::scope(|scope| {
            // moved in, so that the workers end when this does
            let jobs = jobs;
            for mut scanner in scanners {
                let queue = queue.clone();
                scope.spawn(move || {
                    for (path, pieces) in queue {
                        let end = self.scan(path, &mut scanner, &pieces);
                        // nobody waits for it once printing has failed
                        let _ = pieces.send(Piece::End(end));
                    }
                });
            }
            let mut files = self.files.iter();
            let (mut waiting, mut ids, mut unreadable) = (VecDeque::new(), EventIds::default(), 0);
            loop {
                // Relaxed: the flag guards nothing but itself.
                while waiting.len() < in_flight && !self.stop.load(Ordering::Relaxed) {
                    let Some(path) = files.next() else { break };
                    let (sender, receiver) = bounded(WAITING_PIECES);
                    // a worker that has panicked says so when the scope ends
                    let _ = jobs.send((path, sender));
                    waiting.push_back((path, receiver));
                }
                let Some((path, pieces)) = waiting.pop_front() else { return Ok(unreadable) };
                unreadable += self.print_one(path, &pieces, &mut writer, &mut ids)?;
            }
        })
    }

    /// Prints the pieces of one recording as they come; 1 when it could not be read.
    fn print_one(
        &self,
        path: &Path,
        pieces: &Receiver<Piece>,
        writer: &mut ClipWriter,
        ids: &mut EventIds,
    ) -> Result<usize, Failure> {
        let mut has_begun = false;
        for piece in pieces {
            match piece {
                Piece::Begin(name, sample_rate) => {
                    has_begun = true;
                    writer.begin(&name, sample_rate);
                    ids.of_recording.clear();
                }
                Piece::Records(records) => {
                    for mut record in records {
                        if let Record::Event(event) = &mut record {
                            event.id = ids.of(event.id);
                        }
                        writer.record(&record);
                    }
                }
                Piece::End(Ok(windows)) => {
                    if windows.samples_repaired > 0 {
                        self.bar.suspend(|| {
                            log::warn!(
                                "{}: {} samples were not finite or absurdly large and counted as zero",
                                path.display(),
                                windows.samples_repaired
                            );
                        });
                    }
                    writer.end(Some(&windows));
                }
                Piece::End(Err(error)) => {
                    if has_begun {
                        writer.end(None);
                        self.bar.suspend(|| output::print(&writer.take()))?;
                    }
                    let error = anyhow::Error::from(error);
                    self.bar.suspend(|| log::error!("{}", with_causes(&error)));
                    return Ok(1);
                }
            }
            let text = writer.take();
            if !text.is_empty() {
                self.bar.suspend(|| output::print(&text))?;
            }
        }
        Ok(0)
    }

    /// Scans one recording, and sends its records a batch at a time.
    fn scan(
        &self,
        path: &Path,
        scanner: &mut ClipScanner,
        pieces: &Sender<Piece>,
    ) -> Result<ClipWindows, ScanError> {
        let mut file = if path == Path::new(STANDARD_INPUT) {
            ClipFile::of_stream("stdin", Box::new(std::io::stdin()), self.selection)?
        } else {
            ClipFile::open_channel(path, Repeat::Once, self.selection)?
        };
        let _ = pieces.send(Piece::Begin(file.name().into(), file.sample_rate()));
        let bytes_read = file.bytes_read();
        let bytes_shown = Cell::new(0);
        let is_wanted = Cell::new(true);
        let goes_on = || {
            // Relaxed: the counter and the flag guard nothing.
            let read = bytes_read.load(Ordering::Relaxed);
            self.bar.inc(read.saturating_sub(bytes_shown.replace(read)));
            // Relaxed: as above.
            is_wanted.get() && !self.stop.load(Ordering::Relaxed)
        };
        let mut records = Vec::with_capacity(RECORDS_A_PIECE);
        let scanned = scanner.scan_reader(&mut file, &goes_on, &mut |record| {
            records.push(record);
            if records.len() == RECORDS_A_PIECE {
                let piece = Piece::Records(std::mem::take(&mut records));
                is_wanted.set(is_wanted.get() && pieces.send(piece).is_ok());
            }
        });
        let _ = pieces.send(Piece::Records(records));
        scanned
    }
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

/// A recording that is longer has its events printed as they come, and its summary at its end.
const LONG: Duration = Duration::from_secs(600);

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
    windows: u32,
    sums: BTreeMap<Arc<str>, f64>,
    /// The end of the last window.
    reached: SampleIndex,
    /// Of a summary, the lines that follow it.
    events: String,
    is_long: bool,
}

impl ClipWriter {
    /// Nothing written yet.
    pub fn new(format: ClassifyFormat) -> Self {
        Self {
            format,
            text: String::new(),
            name: Arc::from(""),
            sample_rate: None,
            windows: 0,
            sums: BTreeMap::new(),
            reached: SampleIndex(0),
            events: String::new(),
            is_long: false,
        }
    }

    /// What stands above the first recording.
    pub fn heading(&self) -> &'static str {
        match self.format {
            ClassifyFormat::Csv => "path,start_s,end_s,label,peak_score\n",
            ClassifyFormat::Text | ClassifyFormat::Jsonl | ClassifyFormat::Audacity => "",
        }
    }

    /// Begins a recording.
    pub fn begin(&mut self, name: &Arc<str>, sample_rate: SampleRate) {
        self.name = Arc::clone(name);
        self.sample_rate = Some(sample_rate);
        self.windows = 0;
        self.sums.clear();
        self.reached = SampleIndex(0);
        self.events.clear();
        self.is_long = false;
        self.text.clear();
    }

    /// Takes a record of the recording.
    pub fn record(&mut self, record: &Record) {
        if let Record::Window(window) = record {
            self.reached = window.end_sample;
        }
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
                    *self.sums.entry(Arc::clone(&score.label)).or_default() +=
                        f64::from(score.score);
                }
                self.go_on();
            }
            Record::Event(event) => {
                if let EventPhase::Offset { end_sample, peak_score } = event.phase {
                    self.event(event, end_sample, peak_score);
                }
            }
            Record::Gap(_) | Record::Status(_) => {}
        }
    }

    /// Of a long recording, nobody waits for the summary to see what was found.
    fn go_on(&mut self) {
        let reached =
            self.sample_rate.map_or(Duration::ZERO, |rate| rate.duration_of(self.reached.0));
        if self.format == ClassifyFormat::Text && !self.is_long && reached < LONG {
            return;
        }
        if self.format == ClassifyFormat::Text && !self.is_long {
            self.is_long = true;
            let _ = writeln!(self.text, "{} (its events as they come):", printable(&self.name));
        }
        self.text.push_str(&std::mem::take(&mut self.events));
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

    /// Ends the recording; none of it is known when its rest could not be read.
    pub fn end(&mut self, windows: Option<&ClipWindows>) {
        if self.format == ClassifyFormat::Text {
            let events = std::mem::take(&mut self.events);
            if self.is_long {
                self.text.push_str(&events);
            }
            self.summary(windows);
            if !self.is_long {
                self.text.push_str(&events);
            }
        } else if self.format != ClassifyFormat::Jsonl {
            self.text.push_str(&std::mem::take(&mut self.events));
        }
    }

    fn summary(&mut self, windows: Option<&ClipWindows>) {
        let samples = windows.map_or(self.reached.0, |windows| windows.samples);
        let seconds = self.sample_rate.map_or(0.0, |rate| rate.duration_of(samples).as_secs_f64());
        let padded_samples = windows.map_or(0, |windows| windows.padded_samples);
        let mut means: Vec<(&Arc<str>, f64)> = self
            .sums
            .iter()
            .map(|(label, sum)| (label, sum / f64::from(self.windows.max(1))))
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
