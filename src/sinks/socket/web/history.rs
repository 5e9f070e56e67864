//! Past events, from the log file and the files it was rotated into. Read for the page, on a thread that may block.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{EventPhase, EventRecord, Record};
use crate::files;
use crate::sinks::log_file::RotatedFiles;

/// Events of one answer: a busy day, and what a browser draws at once.
const MAX_EVENTS: usize = 20_000;

/// No line of tympan's is longer.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The events between two times.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct History {
    /// In the order of their lines.
    pub(super) events: Vec<PastEvent>,
    /// Whether there were more.
    pub(super) is_cut: bool,
    /// Lines that are no records: torn by a power cut, or not tympan's.
    pub(super) unreadable_lines: u64,
}

/// One event.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct PastEvent {
    pub(super) id: u64,
    pub(super) label: String,
    pub(super) source: String,
    pub(super) start: Timestamp,
    /// None while it lasts, and where tympan was killed meanwhile.
    pub(super) end: Option<Timestamp>,
    pub(super) score: f32,
    pub(super) peak_score: Option<f32>,
}

/// Reads the events that began from `from` on and before `to`.
///
/// # Errors
/// The folder or a file in it cannot be read. No log file yet is no error.
pub(super) fn read(log_file: &Path, from: Timestamp, to: Timestamp) -> io::Result<History> {
    let mut reader = Reader { from, to, history: History::default(), open: HashMap::new() };
    let mut files = RotatedFiles::of(log_file)?.files_since(from)?;
    files.push(log_file.to_owned());
    for path in files {
        match files::open_regular(&path) {
            Ok(file) => reader.read(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(reader.history)
}

struct Reader {
    from: Timestamp,
    to: Timestamp,
    history: History,
    /// Where the events stand that have not ended; a run counts its ids from 1 again.
    open: HashMap<u64, usize>,
}

impl Reader {
    fn read(&mut self, file: File) -> io::Result<()> {
        let mut lines = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = io::Read::take(&mut lines, MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            // an event's line begins so; windows, of which there are most, need not be parsed
            if line.starts_with(b"{\"type\":\"event\"") {
                match serde_json::from_slice(&line) {
                    Ok(Record::Event(event)) => self.take(event),
                    _ => self.history.unreadable_lines += 1,
                }
            } else if !line.starts_with(b"{\"type\":\"") {
                self.history.unreadable_lines += 1;
            }
        }
    }

    fn take(&mut self, event: EventRecord) {
        let EventRecord { phase, id, label, time, source, .. } = event;
        let events = &mut self.history.events;
        match phase {
            EventPhase::Onset { score, .. } => {
                self.open.remove(&id);
                if time < self.from || time >= self.to {
                    return;
                }
                if events.len() == MAX_EVENTS {
                    self.history.is_cut = true;
                    return;
                }
                self.open.insert(id, events.len());
                let (label, source) = (label.to_string(), source.to_string());
                let (start, end, peak_score) = (time, None, None);
                events.push(PastEvent { id, label, source, start, end, score, peak_score });
            }
            EventPhase::Offset { peak_score, .. } => {
                let known = self.open.remove(&id).map(|index| &mut events[index]);
                if let Some(event) = known.filter(|event| event.label == *label) {
                    (event.end, event.peak_score) = (Some(time), Some(peak_score));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onset(id: u64, label: &str, time: &str) -> String {
        format!(
            r#"{{"type":"event","phase":"onset","id":{id},"label":"{label}","time":"{time}","source":"mic","start_sample":0,"score":0.9}}"#
        )
    }

    fn offset(id: u64, label: &str, time: &str) -> String {
        format!(
            r#"{{"type":"event","phase":"offset","id":{id},"label":"{label}","time":"{time}","source":"mic","start_sample":0,"end_sample":1,"peak_score":0.95}}"#
        )
    }

    fn labels(history: &History) -> Vec<(&str, bool)> {
        history.events.iter().map(|event| (event.label.as_str(), event.end.is_some())).collect()
    }

    #[test]
    fn events_of_a_span_come_from_the_rotated_files_and_the_present_one_torn_lines_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let write = |name: &str, lines: &[String]| {
            std::fs::write(folder.path().join(name), lines.join("\n") + "\n").unwrap();
        };
        write("events-20260101T000000Z.jsonl", &[onset(1, "old", "2026-01-01T00:00:00Z")]);
        write(
            "events-20260102T000000Z.jsonl",
            &[onset(1, "dog", "2026-01-02T23:59:59Z"), "{\"type\":\"event\",\"ph".to_owned()],
        );
        write(
            "events.jsonl",
            &[
                offset(1, "dog", "2026-01-03T00:00:02Z"),
                // another run, killed before its event ended
                onset(1, "cat", "2026-01-03T10:00:00Z"),
                onset(1, "rain", "2026-01-03T11:00:00Z"),
                offset(1, "rain", "2026-01-03T11:00:05Z"),
                "nonsense".to_owned(),
                onset(2, "late", "2026-01-04T00:00:00Z"),
            ],
        );
        let span =
            |from: &str, to: &str| read(&path, from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let two_days = span("2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z");
        assert_eq!(labels(&two_days), [("dog", true), ("cat", false), ("rain", true)]);
        assert_eq!(two_days.unreadable_lines, 2);
        let one = span("2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z");
        assert_eq!(labels(&one), [("cat", false), ("rain", true)]);
    }

    #[test]
    fn no_log_yet_is_an_empty_day() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let history = read(&folder.path().join("events.jsonl"), from, to).unwrap();
        assert_eq!(history, History::default());
    }
}
