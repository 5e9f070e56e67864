//! The files of the clips: written whole or not at all, and deleted when they are old or too many. Used by the clip folder,
//! on its thread.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};
use jiff::Timestamp;

use crate::domain::SampleRate;

/// Only files that begin and end like this are ever deleted.
const PREFIX: &str = "tympan-";
const SUFFIX: &str = ".wav";

/// What a room sounds like is for nobody but the daemon's user.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A clip that is to be written.
#[derive(Debug)]
pub(super) struct Clip {
    /// Of its first sample.
    pub(super) time: Timestamp,
    pub(super) label: String,
    pub(super) event: u64,
    pub(super) sample_rate: SampleRate,
    pub(super) samples: Vec<f32>,
}

impl Clip {
    /// Its time first, so that names sort by age.
    fn file_name(&self) -> String {
        let time = self.time.strftime("%Y%m%dT%H%M%S.%3fZ");
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let label: String = self.label.chars().map(plain).collect();
        format!("{PREFIX}{time}-{label}-{}{SUFFIX}", self.event)
    }

    fn bytes(&self) -> u64 {
        44 + 2 * self.samples.len() as u64
    }
}

/// The folder of the clips.
#[derive(Debug)]
pub(super) struct WavFiles {
    folder: PathBuf,
    total_bytes: u64,
    age: Duration,
}

impl WavFiles {
    /// Makes the folder if it is not there, and tries whether it can be written.
    pub(super) fn open(folder: PathBuf, total_bytes: u64, age: Duration) -> io::Result<Self> {
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder)?;
        }
        let probe = folder.join(format!(".tympan-{}", std::process::id()));
        OpenOptions::new().write(true).create(true).truncate(true).open(&probe)?;
        fs::remove_file(probe)?;
        let files = Self { folder, total_bytes, age };
        files.clear_unfinished()?;
        files.shrink(0, Timestamp::now())?;
        Ok(files)
    }

    /// Deletes what a power cut left of clips that were being written.
    fn clear_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.strip_prefix('.').is_some_and(is_ours) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes a clip beside its place and moves it there, with room made for it first. One that is larger than all clips
    /// may be is left out.
    pub(super) fn write(&self, clip: &Clip) -> io::Result<()> {
        if clip.bytes() > self.total_bytes {
            log::warn!(
                "a clip of {} bytes is more than all clips may take; it is left out",
                clip.bytes()
            );
            return Ok(());
        }
        self.shrink(clip.bytes(), Timestamp::now())?;
        let name = clip.file_name();
        let unfinished = self.folder.join(format!(".{name}"));
        let written = self
            .write_to(&unfinished, clip)
            .and_then(|()| fs::rename(&unfinished, self.folder.join(name)));
        if written.is_err() {
            // what a full disk has left of it
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn write_to(&self, path: &std::path::Path, clip: &Clip) -> io::Result<()> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: clip.sample_rate.hz(),
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)?;
        let mut file = BufWriter::new(file);
        let mut writer = WavWriter::new(&mut file, spec).map_err(into_io)?;
        for sample in &clip.samples {
            let step = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0);
            writer.write_sample(step as i16).map_err(into_io)?;
        }
        writer.finalize().map_err(into_io)?;
        file.flush()
    }

    /// Deletes clips that are too old, and the oldest until `room` more bytes fit below the cap.
    pub(super) fn shrink(&self, room: u64, now: Timestamp) -> io::Result<()> {
        let mut clips = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ours(&name) {
                clips.push((name, entry.path(), entry.metadata()?));
            }
        }
        clips.sort_by(|a, b| a.0.cmp(&b.0));
        let mut total: u64 = clips.iter().map(|(_, _, found)| found.len()).sum();
        for (_, path, found) in clips {
            let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            let age = modified.map(|time| now.duration_since(time).unsigned_abs());
            let is_old = age.is_some_and(|age| age > self.age);
            if is_old || total + room > self.total_bytes {
                fs::remove_file(&path)?;
                total -= found.len();
            }
        }
        Ok(())
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

fn into_io(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}
