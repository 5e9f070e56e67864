//! The file that is being written: opened to append, its torn end mended. Used by `LogFile`, on its thread.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use jiff::Timestamp;

use super::first_record::time_of_first_record;
use crate::files;

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
