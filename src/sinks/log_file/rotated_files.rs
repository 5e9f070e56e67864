//! The files a log file was rotated into: how they are named, which is the oldest, and the cap on their bytes.
//!
//! `events.jsonl` becomes `events-20260101T120000Z.jsonl`, after the time of its first line; a second one of the same
//! second gets `-1` after the `Z`, and so on. Used by `LogFile`, on its thread.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// The rotated files beside a log file.
#[derive(Debug)]
pub(super) struct RotatedFiles {
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
    pub(super) fn of(log_file: &Path) -> io::Result<Self> {
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
        let target = self.reserve(begun)?;
        match fs::rename(log_file, &target) {
            Ok(()) => Ok(()),
            Err(error) => {
                fs::remove_file(&target)?;
                if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
            }
        }
    }

    /// Deletes the oldest until the rest has at most `bytes`.
    pub(super) fn shrink_to(&self, bytes: u64) -> io::Result<()> {
        let files = self.list()?;
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if total <= bytes {
                break;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => log::info!("deleted {} to make room", file.path.display()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("cannot delete {}: {error}", file.path.display()),
            }
            total -= file.bytes;
        }
        Ok(())
    }

    /// Creates an empty file under the next free name, so that nothing that exists is ever overwritten.
    fn reserve(&self, begun: Timestamp) -> io::Result<PathBuf> {
        let stamp = begun.strftime("%Y%m%dT%H%M%SZ").to_string();
        let newest = self.list()?.into_iter().rfind(|file| file.stamp == stamp);
        let mut repeat = newest.map_or(0, |file| file.repeat + 1);
        loop {
            let suffix = if repeat == 0 { String::new() } else { format!("-{repeat}") };
            let name = format!("{}-{stamp}{suffix}{}", self.stem, self.extension);
            let path = self.folder.join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => repeat += 1,
                Err(error) => return Err(error),
            }
        }
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

    /// Stamp and repeat of a name that [`Self::reserve`] gave; any other file is none of ours.
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

    #[test]
    fn files_of_the_same_second_get_names_of_their_own_and_age_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let log_file = folder.path().join("events.jsonl");
        let rotated = RotatedFiles::of(&log_file).unwrap();
        for text in ["first", "second", "third"] {
            fs::write(&log_file, text).unwrap();
            rotated.take(&log_file, "2026-01-01T12:00:00.9Z".parse().unwrap()).unwrap();
        }
        let first = folder.path().join("events-20260101T120000Z.jsonl");
        assert_eq!(fs::read_to_string(&first).unwrap(), "first");
        assert_eq!(names(folder.path()).len(), 3);
        rotated.shrink_to("second".len() as u64 + "third".len() as u64).unwrap();
        assert_eq!(
            names(folder.path()),
            ["events-20260101T120000Z-1.jsonl", "events-20260101T120000Z-2.jsonl"]
        );
    }

    #[test]
    fn files_that_are_not_ours_are_never_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let rotated = RotatedFiles::of(&folder.path().join("events.jsonl")).unwrap();
        let others =
            ["events-notes.jsonl", "events-20260101T120000Z.txt", "other-20260101T120000Z.jsonl"];
        for name in others {
            fs::write(folder.path().join(name), "mine").unwrap();
        }
        rotated.shrink_to(0).unwrap();
        assert_eq!(names(folder.path()).len(), others.len());
    }
}
