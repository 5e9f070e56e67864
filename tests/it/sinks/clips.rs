//! Clips of events: what is kept, with how much around it; what is not, whatever was captured; and what is deleted again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tympan::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, Overflow, Published, Record, SampleIndex,
    SampleRate, State, StatusRecord, WindowRecord,
};
use tympan::sinks::{AudioTap, ClipFolder, ClipSpec, Sink};

use super::second;

const RATE: u64 = 8_000;
const WINDOW: u64 = 8_000;
const HOP: u64 = 800;

/// A daemon's ear: samples that count up, windows over them, events.
struct Room {
    folder: ClipFolder,
    tap: AudioTap,
    captured: u64,
    windows: u64,
}

fn spec(folder: &Path, is_denying: bool) -> ClipSpec {
    ClipSpec {
        folder: folder.to_owned(),
        labels: vec!["dog".into()],
        is_denying,
        before: Duration::from_secs(1),
        after: Duration::from_millis(500),
        longest: Duration::from_secs(10),
        total_bytes: 1_000_000,
        age: Duration::from_secs(86_400),
    }
}

impl Room {
    fn new(spec: ClipSpec) -> Self {
        let rate = SampleRate::new(RATE as u32).unwrap();
        let mut folder = ClipFolder::open(spec, Arc::default()).unwrap();
        let tap = folder.add_source(&"mic".into(), rate, Overflow::DropNewest);
        Self { folder, tap, captured: 0, windows: 0 }
    }

    /// Processes so many samples; the windows that begin in `denied` hold a denied label.
    fn capture(&mut self, samples: u64, denied: std::ops::Range<u64>) {
        for _ in 0..samples / 80 {
            let block: Vec<f32> = (self.captured..self.captured + 80).map(sample).collect();
            let rate = SampleRate::new(RATE as u32).unwrap();
            self.tap.push(SampleIndex(self.captured), rate, &block);
            self.captured += 80;
            let start = self.windows * HOP;
            if start + WINDOW <= self.captured {
                self.windows += 1;
                self.write(window(start, denied.contains(&start)));
            }
        }
    }

    fn event(&mut self, label: &str, id: u64, start: u64, end: Option<u64>) {
        let phase = match end {
            None => EventPhase::Onset { score: 0.9, verifier_score: None },
            Some(end) => EventPhase::Offset { end_sample: SampleIndex(end), peak_score: 0.9 },
        };
        self.write(Record::Event(EventRecord {
            phase,
            id,
            label: label.into(),
            time: second((start / RATE) as i64),
            source: "mic".into(),
            start_sample: SampleIndex(start),
        }));
    }

    fn write(&mut self, record: impl Into<Published>) {
        self.folder.write(&record.into()).unwrap();
        self.folder.flush().unwrap();
    }
}

/// Reports where it stood.
fn sample(index: u64) -> f32 {
    (index % 30_000) as f32 / 32_768.0
}

fn window(start: u64, contains_denied: bool) -> Published {
    let record = Record::Window(WindowRecord {
        time: second(0),
        source: "mic".into(),
        start_sample: SampleIndex(start),
        end_sample: SampleIndex(start + WINDOW),
        scores: Default::default(),
        level_dbfs: -20.0,
        padded_samples: 0,
        latency_us: 0,
        reasons: Vec::new(),
    });
    Published { record, contains_denied }
}

fn clips(folder: &Path) -> Vec<PathBuf> {
    let mut clips: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    clips.sort();
    clips
}

/// The first and one past the last sample of the only clip.
fn span(folder: &Path) -> (u64, u64) {
    let found = clips(folder);
    assert_eq!(found.len(), 1, "{found:?}");
    let mut wav = hound::WavReader::open(&found[0]).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels), (RATE as u32, 1));
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    assert!(samples.windows(2).all(|pair| pair[1] == pair[0] + 1), "a hole or a jump");
    let first = samples[0] as u64;
    (first, first + samples.len() as u64)
}

#[test]
fn an_event_is_kept_with_what_was_before_and_after_it_and_another_label_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::new(spec(folder.path(), false));
    room.capture(20_000, 0..0);
    room.event("cat", 1, 12_000, None);
    room.event("dog", 2, 12_000, None);
    room.capture(8_000, 0..0);
    room.event("cat", 1, 12_000, Some(20_000));
    room.event("dog", 2, 12_000, Some(20_000));
    room.capture(8_000, 0..0);
    assert_eq!(span(folder.path()), (4_000, 24_000));
    let name = clips(folder.path())[0].file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name, "tympan-20260101T120000.000Z-dog-2.wav");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&clips(folder.path())[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_clip_that_contains_a_denied_label_is_not_kept_and_one_beside_it_is() {
    for (denied, kept) in [(3_200..3_201, 0), (19_200..19_201, 0), (25_600..25_601, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::new(spec(folder.path(), true));
        room.capture(20_000, denied.clone());
        room.event("dog", 2, 12_000, None);
        room.event("dog", 2, 12_000, Some(20_000));
        // the windows that hold the clip's last samples are still to come
        assert_eq!(clips(folder.path()).len(), 0);
        room.capture(24_000, denied.clone());
        assert_eq!(clips(folder.path()).len(), kept, "{denied:?}");
    }
}

#[test]
fn what_was_never_scored_is_not_kept_while_something_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::new(spec(folder.path(), true));
    room.capture(20_000, 0..0);
    room.event("dog", 2, 12_000, None);
    // the audio behind the last window was captured, and not scored; the daemon ends
    let scored_up_to = (room.windows - 1) * HOP + WINDOW;
    room.capture(HOP - 80, 0..0);
    room.event("dog", 2, 12_000, Some(room.captured));
    let status = StatusRecord {
        time: second(9),
        source: Arc::from("mic"),
        state: State::Stopping,
        detail: String::new(),
        sample_rate_hz: SampleRate::new(RATE as u32).unwrap(),
    };
    room.write(Record::Status(status));
    assert_eq!(span(folder.path()), (4_000, scored_up_to));
}

#[test]
fn a_gap_ends_a_clip_and_a_long_event_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::new(spec(folder.path(), false));
    room.capture(16_000, 0..0);
    room.event("dog", 1, 12_000, None);
    room.event("dog", 1, 12_000, Some(16_000));
    room.write(Record::Gap(GapRecord {
        time: second(2),
        source: "mic".into(),
        start_sample: SampleIndex(16_000),
        samples: 80,
        cause: GapCause::Overrun,
    }));
    assert_eq!(span(folder.path()), (4_000, 16_000));

    let folder = tempfile::tempdir().unwrap();
    let longest = Duration::from_secs(2);
    let mut room = Room::new(ClipSpec { longest, ..spec(folder.path(), false) });
    room.capture(16_000, 0..0);
    room.event("dog", 1, 9_000, None);
    room.capture(16_000, 0..0);
    assert_eq!(span(folder.path()), (1_000, 17_000));
}

#[test]
fn the_oldest_clips_go_when_room_is_short_or_they_are_too_old_and_no_other_file_does() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.wav"), vec![0; 90_000]).unwrap();
    // one clip is 2 * 12,000 bytes and a header
    let mut room = Room::new(ClipSpec { total_bytes: 60_000, ..spec(folder.path(), false) });
    for id in 1..=4 {
        room.capture(24_000, 0..0);
        let start = room.captured - 8_000;
        room.event("dog", id, start, None);
        room.event("dog", id, start, Some(start));
    }
    room.capture(8_000, 0..0);
    let names = |folder: &Path| -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        clips(folder).iter().map(name).collect()
    };
    let kept = names(folder.path());
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept[0] == "holiday.wav" && kept[1].ends_with("-3.wav") && kept[2].ends_with("-4.wav"));

    let old = SystemTime::now() - Duration::from_secs(2 * 86_400);
    let is_old = |path: &PathBuf| !path.to_str().unwrap().ends_with("-4.wav");
    // the last one is of just now, which shows that the clock is right
    for clip in clips(folder.path()).into_iter().filter(is_old) {
        std::fs::File::options().write(true).open(clip).unwrap().set_modified(old).unwrap();
    }
    // and what a power cut left of one
    let half = std::fs::read(folder.path().join(&kept[2])).unwrap()[..1_000].to_vec();
    std::fs::write(folder.path().join(".tympan-x7Gh2k"), half).unwrap();
    Room::new(spec(folder.path(), false));
    assert_eq!(names(folder.path()), ["holiday.wav", &kept[2]]);
}
