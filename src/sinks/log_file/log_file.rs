//! The sink that writes JSON Lines to a file, and that file. Fed by its queue; runs on the thread `tympan-logfile`.

use std::fs::{self, File};
use std::io;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::rotated_files::RotatedFiles;
use super::rotated_files::time_of_first_record;
use crate::domain::{OutputCounters, Published, Record};
use crate::files;
use crate::sinks::line_buffer::LineBuffer;
use crate::sinks::{LineFormat, RecordFilter, Sink, SinkError};

/// Where a log file is, what goes into it, and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFileSpec {
    /// The file that is written; rotated ones stand beside it. Its folder must exist.
    pub path: PathBuf,
    /// Which records are written.
    pub records: RecordFilter,
    /// A file that would grow beyond this is rotated first.
    pub file_bytes: u64,
    /// A file is rotated when a record is this much later than its first one.
    pub file_age: Duration,
    /// Together, the file and the rotated ones take no more than this; the oldest are deleted.
    pub total_bytes: u64,
}

impl LogFileSpec {
    /// Events, gaps and statuses into `path`, a file a day or every 10 MB, 100 MB in all.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            records: RecordFilter::WithoutWindows,
            file_bytes: 10_000_000,
            file_age: Duration::from_secs(24 * 3600),
            total_bytes: 100_000_000,
        }
    }
}

/// A rotated file of JSON Lines.
///
/// A line is in one file, whole. Age comes from the records' own times, so a room where nothing happens rotates
/// nothing. A file that somebody moves or deletes is opened anew.
#[derive(Debug)]
pub struct LogFile {
    spec: LogFileSpec,
    rotated: RotatedFiles,
    current: CurrentFile,
    lines: LineBuffer<File>,
    line: String,
    counters: Arc<OutputCounters>,
}

impl LogFile {
    /// Opens the file to append, after trying whether its folder can be written. What is deleted is counted in `counters`.
    ///
    /// # Errors
    /// [`SinkError::LogFile`] when folder or file cannot be written, or the path is a link, a device, a FIFO or a folder.
    pub fn open(spec: LogFileSpec, counters: Arc<OutputCounters>) -> Result<Self, SinkError> {
        Self::probe(&spec)?;
        let open = || {
            let rotated = RotatedFiles::of(&spec.path)?;
            let (file, current) = CurrentFile::open(&spec.path)?;
            Ok((rotated, file, current))
        };
        let (rotated, file, current) =
            open().map_err(|source| SinkError::log_file(&spec.path, source))?;
        let (lines, line) = (LineBuffer::new(file), String::new());
        let log_file = Self { spec, rotated, current, lines, line, counters };
        log_file.enforce_cap().map_err(|source| log_file.failed(source))?;
        Ok(log_file)
    }

    /// Tries what [`Self::open`] would, and leaves nothing behind.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn probe(spec: &LogFileSpec) -> Result<(), SinkError> {
        let probe = || {
            let rotated = RotatedFiles::of(&spec.path)?;
            files::require_replaceable(&spec.path)?;
            // rotation needs to create files, which a writable file in a read-only folder does not show
            files::probe_folder(rotated.folder())
        };
        probe().map_err(|source| SinkError::log_file(&spec.path, source))
    }

    fn append(&mut self, time: Timestamp) -> io::Result<()> {
        let line_bytes = self.line.len() as u64;
        if let Some(begun) = self.current.begun {
            let file_bytes = self.spec.file_bytes.min(self.spec.total_bytes);
            // either way round: a clock that was set right is a reason to begin a new file
            let age = time.duration_since(begun).unsigned_abs();
            if self.current.bytes + line_bytes > file_bytes || age >= self.spec.file_age {
                self.rotate(begun)?;
            }
        }
        self.lines.push(&self.line)?;
        self.current.bytes += line_bytes;
        self.current.begun.get_or_insert(time);
        Ok(())
    }

    fn rotate(&mut self, begun: Timestamp) -> io::Result<()> {
        self.lines.drain()?;
        // whatever somebody has put in its place is not ours to move
        if self.current.is_still_at(&self.spec.path) {
            self.rotated.take(&self.spec.path, begun)?;
        }
        self.reopen()?;
        self.enforce_cap()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let (file, current) = CurrentFile::open(&self.spec.path)?;
        self.lines.replace_writer(file);
        self.current = current;
        Ok(())
    }

    /// Leaves room for the current file to grow to its full size.
    fn enforce_cap(&self) -> io::Result<()> {
        let bytes = self.spec.total_bytes.saturating_sub(self.spec.file_bytes);
        self.rotated.shrink_to(bytes, &self.counters)
    }

    fn failed(&self, source: io::Error) -> SinkError {
        SinkError::log_file(&self.spec.path, source)
    }
}

impl Sink for LogFile {
    fn name(&self) -> &str {
        "logfile"
    }

    fn takes_windows(&self) -> bool {
        self.spec.records == RecordFilter::Everything
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        let record = &published.record;
        if !self.spec.records.passes(record) {
            return Ok(());
        }
        self.line.clear();
        LineFormat::JsonLines.render_into(record, None, &mut self.line);
        let time = match record {
            Record::Window(window) => window.time,
            Record::Event(event) => event.time,
            Record::Gap(gap) => gap.time,
            Record::Status(status) => status.time,
        };
        self.append(time).map_err(|source| self.failed(source))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let mut flush = || {
            if !self.current.is_still_at(&self.spec.path) {
                self.reopen()?;
            }
            self.lines.drain()
        };
        flush().map_err(|source| self.failed(source))
    }
}

/// What a house sounds like is not for every user of the machine to read.
const FILE_MODE: u32 = 0o640;

/// What is known of the file that is being written.
#[derive(Debug)]
pub(super) struct CurrentFile {
    /// Its length, counting lines that are still on their way.
    pub(super) bytes: u64,
    /// The time of its first record; `None` while it is empty.
    pub(super) begun: Option<Timestamp>,
    identity: (u64, u64),
}

impl CurrentFile {
    /// Opens `path` to append, creating it if need be. A last line without line feed, left by a power cut, gets one.
    pub(super) fn open(path: &Path) -> io::Result<(File, Self)> {
        let mut file = files::append(path, FILE_MODE)?;
        let metadata = file.metadata()?;
        let mut bytes = metadata.len();
        if bytes > 0 {
            let mut last = [0];
            file.read_exact_at(&mut last, bytes - 1)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
                log::warn!(
                    "the last line of {} was torn; it was ended where it is",
                    path.display()
                );
            }
        }
        let begun = if bytes > 0 {
            let fallback = metadata.modified().ok().and_then(|time| time.try_into().ok());
            time_of_first_record(&file)?.or(fallback).or(Some(Timestamp::now()))
        } else {
            None
        };
        Ok((file, Self { bytes, begun, identity: (metadata.dev(), metadata.ino()) }))
    }

    /// Whether `path` still names this file: somebody may have moved or deleted it.
    pub(super) fn is_still_at(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }
}
