//! The files of the clips: written whole or not at all, and deleted when they are old or too many. Used by the clip folder,
//! on its thread.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, FileTimes};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::clip_clock::{ClipClock, Now, is_set};
use super::clip_wav::{Clip, SUFFIX, has_signature, is_clip_name};
use crate::domain::OutputCounters;
use crate::files;

/// What a room sounds like is for nobody but the daemon's user.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A file's time may differ by this much from when it is known to have been written, before it is set right.
const TOLERANCE: Duration = Duration::from_secs(60);

/// A clip in the folder.
#[derive(Debug)]
struct StoredClip {
    name: String,
    bytes: u64,
    modified: Timestamp,
}

/// The folder of the clips.
#[derive(Debug)]
pub(super) struct WavFiles {
    folder: PathBuf,
    total_bytes: u64,
    age: Duration,
    clock: ClipClock,
    /// When this process wrote which clip: known whatever the wall clock showed.
    written: HashMap<String, Instant>,
    counters: Arc<OutputCounters>,
}

impl WavFiles {
    /// Makes the folder if it is not there, and tries whether it can be written.
    pub(super) fn open(
        folder: PathBuf,
        total_bytes: u64,
        age: Duration,
        counters: Arc<OutputCounters>,
        now: Now,
    ) -> io::Result<Self> {
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder)?;
        }
        files::probe_folder(&folder)?;
        let newest = clips_in(&folder)?.into_iter().map(|clip| clip.modified).max();
        let clock = ClipClock::new(now, newest);
        let written = HashMap::new();
        let mut files = Self { folder, total_bytes, age, clock, written, counters };
        files.clear_unfinished()?;
        files.shrink(0, now)?;
        Ok(files)
    }

    /// Deletes what a power cut left of clips that were being written.
    fn clear_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_temporary = entry.file_name().to_string_lossy().starts_with(".tympan-");
            if is_temporary && has_signature(&entry) {
                fs::remove_file(entry.path())?;
                self.counters.clips_deleted.add(1);
                log::info!("deleted {}, an unfinished clip", entry.path().display());
            }
        }
        Ok(())
    }

    /// Writes a clip beside its place and moves it there, with room made for it first. One that is larger than all clips
    /// may be is left out.
    pub(super) fn write(&mut self, clip: &Clip, now: Now) -> io::Result<()> {
        if clip.file_bytes() > self.total_bytes {
            log::warn!(
                "a clip of {} bytes is more than all clips may take; it is left out",
                clip.file_bytes()
            );
            return Ok(());
        }
        self.shrink(clip.file_bytes(), now)?;
        let mut file = files::create_new(&self.folder, FILE_MODE)?;
        file.write_all(&clip.to_wav()?)?;
        let name = clip.file_name();
        // a clip of the same name is from a run in which the clock showed the same time; both are kept
        match file.persist_noclobber(self.folder.join(&name)) {
            Ok(_) => {}
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
                let (bytes, name) = (taken.file, self.free_name(clip));
                bytes.persist_noclobber(self.folder.join(&name)).map_err(|error| error.error)?;
                self.written.insert(name, now.monotonic);
                return Ok(());
            }
            Err(error) => return Err(error.error),
        }
        self.written.insert(name, now.monotonic);
        Ok(())
    }

    /// The clip's name with the next number that is not taken.
    fn free_name(&self, clip: &Clip) -> String {
        let name = clip.file_name();
        let stem = name.trim_end_matches(SUFFIX);
        let names = (1u64..).map(|copy| format!("{stem}-{copy}{SUFFIX}"));
        let mut free = names.filter(|name| !self.folder.join(name).exists());
        free.next().unwrap_or(name)
    }

    /// Deletes clips that are too old, and the oldest until `room` more bytes fit below the cap. Every deletion is counted
    /// and logged.
    pub(super) fn shrink(&mut self, room: u64, now: Now) -> io::Result<()> {
        let mut clips = clips_in(&self.folder)?;
        self.written.retain(|name, _| clips.iter().any(|clip| clip.name == *name));
        for clip in &mut clips {
            self.correct_time(clip, now)?;
        }
        clips.sort_by_cached_key(|clip| (self.written_at(clip), clip.name.clone()));
        let age_counts = self.clock.is_trusted(now);
        let mut total: u64 = clips.iter().map(|clip| clip.bytes).sum();
        let (mut too_old, mut too_many) = (0, 0);
        for clip in clips {
            let age = now.wall.duration_since(clip.modified);
            let is_old = age_counts && !age.is_negative() && age.unsigned_abs() > self.age;
            if is_old {
                too_old += 1;
            } else if total + room > self.total_bytes {
                too_many += 1;
            } else {
                continue;
            }
            fs::remove_file(self.folder.join(&clip.name))?;
            self.counters.clips_deleted.add(1);
            total -= clip.bytes;
        }
        if too_old + too_many > 0 {
            log::info!(
                "deleted {} clips in {}: {too_old} older than max_age_days, {too_many} to stay below max_total_mb",
                too_old + too_many,
                self.folder.display()
            );
        }
        Ok(())
    }

    /// Sorts clips by age: those of earlier processes by the files' times, a time before the clock was set counting as late;
    /// then those of this process, in their order.
    fn written_at(&self, clip: &StoredClip) -> (Option<Instant>, Timestamp) {
        let is_known = is_set(clip.modified);
        let modified = if is_known { clip.modified } else { Timestamp::MAX };
        (self.written.get(&clip.name).copied(), modified)
    }

    /// Sets the time of a file right that a wrong clock gave it, where the right one is known: of what this process wrote,
    /// and of what was written before the clock was set.
    fn correct_time(&self, clip: &mut StoredClip, now: Now) -> io::Result<()> {
        if !is_set(now.wall) {
            return Ok(());
        }
        let known = self.written.get(&clip.name).map(|written| {
            let age = now.monotonic.saturating_duration_since(*written);
            now.wall.saturating_sub(age).unwrap_or(now.wall)
        });
        let right = match known {
            Some(known) if known.duration_since(clip.modified).unsigned_abs() > TOLERANCE => known,
            None if !is_set(clip.modified) => now.wall,
            _ => return Ok(()),
        };
        let times = FileTimes::new().set_modified(SystemTime::from(right));
        File::open(self.folder.join(&clip.name))?.set_times(times)?;
        clip.modified = right;
        Ok(())
    }
}

/// The clips that tympan wrote into a folder.
fn clips_in(folder: &Path) -> io::Result<Vec<StoredClip>> {
    let mut clips = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) =
            entry.file_name().to_str().filter(|name| is_clip_name(name)).map(str::to_owned)
        else {
            continue;
        };
        if has_signature(&entry) {
            let found = entry.metadata()?;
            let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            // a time that no clock can show counts as new
            let modified = modified.unwrap_or(Timestamp::MAX);
            clips.push(StoredClip { name, bytes: found.len(), modified });
        }
    }
    Ok(clips)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::SampleRate;

    const DAY: i64 = 86_400;

    fn begin() -> Now {
        Now { wall: "2027-03-01T12:00:00Z".parse().unwrap(), monotonic: Instant::now() }
    }

    fn at(begin: Now, monotonic_s: u64, wall_s: i64) -> Now {
        Now {
            wall: begin.wall + SignedDuration::from_secs(wall_s),
            monotonic: begin.monotonic + Duration::from_secs(monotonic_s),
        }
    }

    fn open(folder: &Path, now: Now) -> WavFiles {
        let age = Duration::from_secs(30 * DAY as u64);
        WavFiles::open(folder.to_owned(), 1_000_000, age, Arc::default(), now).unwrap()
    }

    fn clip(now: Now, event: u64) -> Clip {
        let sample_rate = SampleRate::new(8_000).unwrap();
        Clip { time: now.wall, label: "dog".into(), event, sample_rate, samples: vec![0.5; 100] }
    }

    fn set_time(path: &Path, time: Timestamp) {
        let times = FileTimes::new().set_modified(time.into());
        File::open(path).unwrap().set_times(times).unwrap();
    }

    /// Writes a clip at `now`, with the time that the file system would give it.
    fn write(files: &mut WavFiles, now: Now, event: u64) {
        files.write(&clip(now, event), now).unwrap();
        set_time(&files.folder.join(clip(now, event).file_name()), now.wall);
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn no_clip_of_this_week_is_deleted_whatever_the_clock_says_at_the_start() {
        let begin = begin();
        for wrong in [-20_000 * DAY, -90 * DAY, 31 * DAY, 40 * DAY, 4_000 * DAY] {
            let folder = tempfile::tempdir().unwrap();
            let mut files = open(folder.path(), begin);
            for event in 0..5 {
                write(&mut files, at(begin, event, event as i64), event);
            }
            let mut files = open(folder.path(), at(begin, 60, wrong));
            for minute in 1..59 {
                files.shrink(0, at(begin, 60 * minute, wrong + 60 * minute as i64)).unwrap();
            }
            assert_eq!(names(folder.path()).len(), 5, "{wrong}");
            // and the clock is set right
            files.shrink(0, at(begin, 3_660, 3_660)).unwrap();
            files.shrink(0, at(begin, 7_300, 7_300)).unwrap();
            assert_eq!(names(folder.path()).len(), 5, "{wrong}");
        }
    }

    #[test]
    fn no_clip_is_deleted_because_the_clock_was_set_while_the_daemon_ran() {
        let begin = begin();
        for step in [40 * DAY, -40 * DAY, -20_000 * DAY] {
            let folder = tempfile::tempdir().unwrap();
            let mut files = open(folder.path(), begin);
            write(&mut files, begin, 1);
            // set wrong for half an hour, in which a clip is written, and right again
            write(&mut files, at(begin, 600, 600 + step), 2);
            files.shrink(0, at(begin, 2_400, 2_400 + step)).unwrap();
            files.shrink(0, at(begin, 2_500, 2_500)).unwrap();
            files.shrink(0, at(begin, 9_000, 9_000)).unwrap();
            assert_eq!(names(folder.path()).len(), 2, "{step}");
            // both are a week old by now, for the next process too
            let mut files = open(folder.path(), at(begin, 9_001, 7 * DAY));
            files.shrink(0, at(begin, 12_700, 7 * DAY + 3_699)).unwrap();
            assert_eq!(names(folder.path()).len(), 2, "{step}");
            files.shrink(0, at(begin, 16_000, 31 * DAY)).unwrap();
            files.shrink(0, at(begin, 20_000, 31 * DAY + 4_000)).unwrap();
            assert_eq!(names(folder.path()).len(), 0, "{step}");
            assert_eq!(files.counters.clips_deleted.get(), 2);
        }
    }

    #[test]
    fn clips_of_before_the_clock_was_set_age_from_when_it_was() {
        let (folder, unset) =
            (tempfile::tempdir().unwrap(), Now { wall: Timestamp::UNIX_EPOCH, ..begin() });
        write(&mut open(folder.path(), unset), unset, 1);
        let set = at(begin(), 100, 0);
        let mut files = open(folder.path(), set);
        files.shrink(0, at(set, 4_000, 4_000)).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        files.shrink(0, at(set, 8_000, 31 * DAY)).unwrap();
        files.shrink(0, at(set, 12_000, 31 * DAY + 4_000)).unwrap();
        assert_eq!(names(folder.path()).len(), 0);
    }

    #[test]
    fn old_clips_go_and_nothing_that_tympan_did_not_write_does_whatever_it_is_called() {
        let begin = begin();
        let folder = tempfile::tempdir().unwrap();
        let old = at(begin, 0, -40 * DAY);
        let mut files = open(folder.path(), old);
        write(&mut files, old, 1);
        write(&mut files, begin, 2);
        let foreign = [
            "tympan-notes-of-mine.wav",
            "tympan-20010909T014640.000Z-dog-9.wav",
            ".tympan-20010909T014640.000Z-dog-9.wav",
            ".tympan-abcdef",
        ];
        for name in foreign {
            fs::write(
                folder.path().join(name),
                b"RIFF....WAVEfmt and what a person recorded there",
            )
            .unwrap();
            set_time(&folder.path().join(name), "2001-09-09T01:46:40Z".parse().unwrap());
        }
        for name in ["tympan-x.wav", ".tympan-x.wav", "tympan-20010909T014640.000Z-dog-1.wav"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let link = folder.path().join("tympan-20010909T014640.000Z-dog-2.wav");
        std::os::unix::fs::symlink(folder.path().join(foreign[0]), &link).unwrap();
        // what a power cut left
        fs::write(folder.path().join(".tympan-x1y2z3"), &clip(begin, 3).to_wav().unwrap()[..60])
            .unwrap();
        let files = WavFiles::open(folder.path().to_owned(), 400, files.age, Arc::default(), begin)
            .unwrap();
        assert_eq!(files.counters.clips_deleted.get(), 2);
        let kept = names(folder.path());
        assert_eq!(kept.len(), foreign.len() + 3 + 1 + 1, "{kept:?}");
        assert!(kept.contains(&clip(begin, 2).file_name()));
    }

    #[test]
    fn a_link_in_the_place_of_a_clip_is_not_followed_and_the_clip_is_kept_beside_it() {
        let (folder, begin) = (tempfile::tempdir().unwrap(), begin());
        let target = folder.path().join("target");
        fs::write(&target, "gold").unwrap();
        let place = folder.path().join(clip(begin, 1).file_name());
        std::os::unix::fs::symlink(&target, &place).unwrap();
        write_beside(&mut open(folder.path(), begin), begin);
        assert_eq!(fs::read_to_string(&target).unwrap(), "gold");
        assert_eq!(names(folder.path()).len(), 3);
        assert!(place.is_symlink());
    }

    fn write_beside(files: &mut WavFiles, now: Now) {
        files.write(&clip(now, 1), now).unwrap();
    }
}
