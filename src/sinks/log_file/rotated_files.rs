//! The files a log file was rotated into: how they are named, when the first record of each is from, which is the oldest, and the
//! cap on their bytes.
//!
//! `events.jsonl` becomes `events-20260101T120000Z.jsonl`, after the time of its first record; a second one of the same
//! second gets `-1` after the `Z`, and so on. A file whose first record is older than the newest name, because the clock was set
//! back, gets that name with the next number: names sort in the order in which the files were written, whatever the clock showed,
//! and that is the order in which they are deleted. Used by `LogFile`, on its thread.

use std::fs;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::OutputCounters;
use crate::files;

/// The rotated files beside a log file.
#[derive(Debug)]
pub(in crate::sinks) struct RotatedFiles {
    folder: PathBuf,
    stem: String,
    /// With its dot; empty if there is none.
    extension: String,
}

/// A rotated file; older ones sort first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RotatedFile {
    stamp: String,
    repeat: u64,
    path: PathBuf,
    bytes: u64,
}

impl RotatedFiles {
    /// The files that `log_file` is rotated into.
    pub(in crate::sinks) fn of(log_file: &Path) -> io::Result<Self> {
        let (Some(folder), Some(stem)) =
            (log_file.parent(), log_file.file_stem().and_then(|stem| stem.to_str()))
        else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file in UTF-8"));
        };
        let extension = log_file.extension().and_then(|extension| extension.to_str());
        Ok(Self {
            folder: if folder.as_os_str().is_empty() { ".".into() } else { folder.to_owned() },
            stem: stem.to_owned(),
            extension: extension.map(|extension| format!(".{extension}")).unwrap_or_default(),
        })
    }

    /// The folder they are in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves `log_file`, begun at `begun`, to a name of its own. A file that is not there any more is fine.
    pub(super) fn take(&self, log_file: &Path, begun: Timestamp) -> io::Result<()> {
        let stamp = begun.strftime("%Y%m%dT%H%M%SZ").to_string();
        let newest = self.list()?.pop();
        let (stamp, mut repeat) = match newest {
            Some(newest) if newest.stamp >= stamp => (newest.stamp, newest.repeat + 1),
            _ => (stamp, 0),
        };
        loop {
            let suffix = if repeat == 0 { String::new() } else { format!("-{repeat}") };
            let name = format!("{}-{stamp}{suffix}{}", self.stem, self.extension);
            match files::move_to_free_name(log_file, &self.folder.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => repeat += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                moved => return moved,
            }
        }
    }

    /// Deletes the oldest until the rest has at most `bytes`; each is counted and logged. A file that holds none of tympan's
    /// records is left alone and not counted in, whatever its name is.
    pub(super) fn shrink_to(&self, bytes: u64, counters: &OutputCounters) -> io::Result<()> {
        let mut files = self.list()?;
        files.retain(|file| {
            let head = files::open_regular(&file.path).and_then(|file| time_of_first_record(&file));
            head.is_ok_and(|time| time.is_some())
        });
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if total <= bytes {
                break;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => {
                    counters.logs_deleted.add(1);
                    log::info!("deleted {} to stay below max_total_mb", file.path.display());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("cannot delete {}: {error}", file.path.display()),
            }
            total -= file.bytes;
        }
        Ok(())
    }

    /// Those that may hold a record of `from` or later, oldest first.
    pub(in crate::sinks) fn files_since(&self, from: Timestamp) -> io::Result<Vec<PathBuf>> {
        let from = from.strftime("%Y%m%dT%H%M%SZ").to_string();
        let files = match self.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files?,
        };
        // each reaches to where the next one begins
        let first = files.iter().rposition(|file| file.stamp < from).unwrap_or(0);
        Ok(files.into_iter().skip(first).map(|file| file.path).collect())
    }

    /// All of them, oldest first.
    fn list(&self) -> io::Result<Vec<RotatedFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Some((stamp, repeat)) =
                entry.file_name().to_str().and_then(|name| self.parse(name))
            else {
                continue;
            };
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                files.push(RotatedFile {
                    stamp,
                    repeat,
                    path: entry.path(),
                    bytes: metadata.len(),
                });
            }
        }
        files.sort();
        Ok(files)
    }

    /// Stamp and repeat of a name that [`Self::take`] gave; any other file is none of ours.
    fn parse(&self, name: &str) -> Option<(String, u64)> {
        let middle =
            name.strip_prefix(&self.stem)?.strip_prefix('-')?.strip_suffix(&self.extension)?;
        let (stamp, repeat) = match middle.split_once('-') {
            Some((stamp, repeat)) => (stamp, repeat.parse().ok()?),
            None => (middle, 0),
        };
        let shape: String =
            stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        (shape == "00000000T000000Z").then(|| (stamp.to_owned(), repeat))
    }
}

/// Far longer than any line tympan writes: the first record of a file begins within.
const HEAD_BYTES: u64 = 64 * 1024;

/// What every record has, and hardly a line that another program writes.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Kind,
    time: Timestamp,
    source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Window,
    Event,
    Gap,
    Status,
}

/// The time of the first record in a file; none if it is not tympan's. A line that a power cut tore may stand before it.
pub(super) fn time_of_first_record(mut file: &File) -> io::Result<Option<Timestamp>> {
    // appending ignores the cursor, so it may stay anywhere
    file.rewind()?;
    let mut head = BufReader::new(file.take(HEAD_BYTES));
    let mut line = Vec::new();
    while head.read_until(b'\n', &mut line)? > 0 {
        if let Ok(Head {
            kind: Kind::Window | Kind::Event | Kind::Gap | Kind::Status,
            time,
            source,
        }) = serde_json::from_slice(&line)
            && !source.is_empty()
        {
            return Ok(Some(time));
        }
        line.clear();
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn record(id: u64) -> String {
        format!(
            "{{\"type\":\"event\",\"id\":{id},\"time\":\"2026-01-01T12:00:00.900Z\",\"source\":\"mic\"}}\n"
        )
    }

    fn rotate(rotated: &RotatedFiles, log_file: &Path, id: u64, begun: &str) {
        fs::write(log_file, record(id)).unwrap();
        rotated.take(log_file, begun.parse().unwrap()).unwrap();
    }

    #[test]
    fn files_of_the_same_second_get_names_of_their_own_and_age_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let log_file = folder.path().join("events.jsonl");
        let rotated = RotatedFiles::of(&log_file).unwrap();
        for id in 1..=3 {
            rotate(&rotated, &log_file, id, "2026-01-01T12:00:00.9Z");
        }
        let first = folder.path().join("events-20260101T120000Z.jsonl");
        assert_eq!(fs::read_to_string(&first).unwrap(), record(1));
        assert_eq!(names(folder.path()).len(), 3);
        let counters = OutputCounters::default();
        rotated.shrink_to(2 * record(1).len() as u64, &counters).unwrap();
        assert_eq!(counters.logs_deleted.get(), 1);
        assert_eq!(
            names(folder.path()),
            ["events-20260101T120000Z-1.jsonl", "events-20260101T120000Z-2.jsonl"]
        );
    }

    #[test]
    fn the_oldest_go_first_whatever_the_clock_reported_when_they_were_begun() {
        let folder = tempfile::tempdir().unwrap();
        let log_file = folder.path().join("events.jsonl");
        let rotated = RotatedFiles::of(&log_file).unwrap();
        // a start without a clock, and a clock that was far ahead for a while
        let begun = ["2026-01-01", "1970-01-01", "2026-01-02", "2031-05-05", "2026-01-03"];
        for (id, day) in (1..).zip(begun) {
            rotate(&rotated, &log_file, id, &format!("{day}T00:00:10Z"));
        }
        let one = record(1).len() as u64;
        for gone in 1..=5u64 {
            rotated.shrink_to((5 - gone) * one, &OutputCounters::default()).unwrap();
            let mut left: Vec<String> = names(folder.path())
                .iter()
                .map(|name| fs::read_to_string(folder.path().join(name)).unwrap())
                .collect();
            left.sort();
            assert_eq!(left, (gone + 1..=5).map(record).collect::<Vec<String>>());
        }
    }

    #[test]
    fn files_that_are_not_ours_are_never_deleted_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let rotated = RotatedFiles::of(&folder.path().join("events.jsonl")).unwrap();
        let others = [
            "events-notes.jsonl",
            "events-20260101T120000Z.txt",
            "other-20260101T120000Z.jsonl",
            "events-20260101T120000Z.jsonl",
            "events-20260101T120000Z-7.jsonl",
        ];
        for name in others {
            fs::write(folder.path().join(name), "{\"type\":\"note\",\"text\":\"mine\"}\n").unwrap();
        }
        // a file of ours that begins with a line which a power cut tore
        let torn = folder.path().join("events-20250101T120000Z.jsonl");
        fs::write(&torn, format!("{{\"type\":\"eve\n{}", record(1))).unwrap();
        std::os::unix::fs::symlink(&torn, folder.path().join("events-20250101T120001Z.jsonl"))
            .unwrap();
        rotated.shrink_to(0, &OutputCounters::default()).unwrap();
        assert_eq!(names(folder.path()).len(), others.len() + 1);
        assert!(!torn.exists());
    }
}
