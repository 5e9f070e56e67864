//! The sink that records what was heard around events, and what it is told to record. Fed records by its queue and samples by the tap; runs on the thread
//! `tympan-clips`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audio_tap::{AudioFeed, AudioTap, audio_tap};
use super::clip_clock::Now;
use super::clip_wav::Clip;
use super::history::History;
use super::history::Judged;
use super::wav_files::WavFiles;
use crate::domain::{
    Counters, EventPhase, EventRecord, Overflow, Published, Record, SampleIndex, SampleRate, State,
};
use crate::sinks::{Sink, SinkError};

/// An event is told this much later than it began, at most: its confirmation and the window's length. And the windows that
/// judge a clip's last sample go on for as long.
const RECALL: Duration = Duration::from_secs(10);

/// Clips that may wait for a disk that is full; then the oldest are given up.
const CLIPS_WAITING: usize = 8;

/// From one look for clips that are too old to the next.
const TIDYING: Duration = Duration::from_secs(600);

/// Keeps clips of events.
#[derive(Debug)]
pub struct ClipFolder {
    spec: ClipSpec,
    files: WavFiles,
    feed: AudioFeed,
    history: History,
    judged: Judged,
    open: Vec<OpenClip>,
    ready: VecDeque<Clip>,
    tidied: Option<Instant>,
}

/// A clip whose end has not come or has not been judged yet.
#[derive(Debug)]
struct OpenClip {
    event: EventRecord,
    start: u64,
    /// None while the event lasts.
    end: Option<u64>,
}

impl ClipFolder {
    /// Opens the folder; the tap is for the feature stage. What is deleted is counted in `counters`.
    ///
    /// # Errors
    /// [`SinkError::ClipFolder`] when the folder cannot be made or written.
    pub fn open(
        spec: ClipSpec,
        sample_rate: SampleRate,
        overflow: Overflow,
        counters: Arc<Counters>,
    ) -> Result<(Self, AudioTap), SinkError> {
        let (folder, now) = (spec.folder.clone(), Now::read());
        let files = WavFiles::open(folder, spec.total_bytes, spec.age, counters, now)
            .map_err(|source| SinkError::ClipFolder { folder: spec.folder.clone(), source })?;
        let (tap, feed) = audio_tap(sample_rate, overflow);
        let folder = Self {
            spec,
            files,
            feed,
            history: History::new(sample_rate),
            judged: Judged::default(),
            open: Vec::new(),
            ready: VecDeque::new(),
            tidied: None,
        };
        Ok((folder, tap))
    }

    fn hear(&mut self) {
        while let Ok(block) = self.feed.blocks.try_recv() {
            if !self.history.is_continued_by(&block) {
                self.cut(u64::MAX, true);
            }
            self.history.push(&block);
            self.feed.give_back(block);
        }
        let rate = self.history.sample_rate();
        let kept = self.spec.before + self.spec.longest + self.spec.after + 2 * RECALL;
        self.history.keep(rate.samples_in(kept));
        self.judged.forget_before(self.history.start().0);
    }

    fn begin_or_end(&mut self, event: &EventRecord) {
        let rate = self.history.sample_rate();
        match event.phase {
            EventPhase::Onset { .. }
                if self.spec.labels.iter().any(|label| **label == *event.label) =>
            {
                let start = event.start_sample.0.saturating_sub(rate.samples_in(self.spec.before));
                let start = start.max(self.history.start().0);
                self.open.push(OpenClip { event: event.clone(), start, end: None });
            }
            EventPhase::Onset { .. } => {}
            EventPhase::Offset { end_sample, .. } => {
                let end = end_sample.0 + rate.samples_in(self.spec.after);
                for clip in self.open.iter_mut().filter(|clip| clip.event.id == event.id) {
                    clip.end = Some(end);
                }
            }
        }
    }

    /// Cuts clips that are complete, and with `is_over` all others where they are.
    ///
    /// `judged_from`: no window that is still to come begins before this sample.
    fn cut(&mut self, judged_from: u64, is_over: bool) {
        let heard = self.history.end().0;
        let longest = self.history.sample_rate().samples_in(self.spec.longest);
        for clip in std::mem::take(&mut self.open) {
            let limit = clip.start + longest;
            let end = clip.end.map_or(limit, |end| end.min(limit));
            let is_judged = !self.spec.is_denying || judged_from >= end;
            if is_over || (heard >= end && is_judged) {
                self.keep(&clip, end.min(heard));
            } else {
                self.open.push(clip);
            }
        }
    }

    /// Keeps what may be kept of a clip.
    fn keep(&mut self, clip: &OpenClip, end: u64) {
        let (event, mut span) = (&clip.event, (clip.start, end));
        if self.spec.is_denying {
            let Some(harmless) = self.judged.harmless(span, event.start_sample.0) else {
                log::info!(
                    "a clip of {} is not kept: a denied label was heard in it, or not all of it was judged",
                    event.label
                );
                return;
            };
            span = harmless;
        }
        let Some(samples) = self.history.copy(SampleIndex(span.0), SampleIndex(span.1)) else {
            log::warn!("a clip of {} is not kept: some of its samples are missing", event.label);
            return;
        };
        if self.ready.len() == CLIPS_WAITING {
            self.ready.pop_front();
            log::warn!(
                "a clip is given up: more of them wait for their folder than there is room for"
            );
        }
        let sample_rate = self.history.sample_rate();
        let earlier = sample_rate.duration_of(event.start_sample.0.saturating_sub(span.0));
        self.ready.push_back(Clip {
            time: event.time.saturating_sub(earlier).unwrap_or(event.time),
            label: event.label.to_string(),
            event: event.id,
            sample_rate,
            samples,
        });
    }

    fn failed(&self, source: std::io::Error) -> SinkError {
        SinkError::ClipFolder { folder: self.spec.folder.clone(), source }
    }
}

impl Sink for ClipFolder {
    fn name(&self) -> &str {
        "clips"
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        self.hear();
        match &published.record {
            Record::Window(window) => {
                self.judged.push(window, published.contains_denied);
                self.cut(window.start_sample.0, false);
            }
            Record::Event(event) => self.begin_or_end(event),
            // no window spans it, and nothing that comes judges what was before
            Record::Gap(_) => {
                self.cut(u64::MAX, true);
                self.judged.clear();
            }
            Record::Status(status) if status.state == State::Stopping => self.cut(u64::MAX, true),
            Record::Status(_) => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let now = Now::read();
        while let Some(clip) = self.ready.front() {
            let written = self.files.write(clip, now);
            written.map_err(|source| self.failed(source))?;
            self.ready.pop_front();
        }
        let last = self.tidied;
        if last.is_none_or(|last| now.monotonic.saturating_duration_since(last) >= TIDYING) {
            let shrunk = self.files.shrink(0, now);
            shrunk.map_err(|source| self.failed(source))?;
            self.tidied = Some(now.monotonic);
        }
        Ok(())
    }
}

/// What is recorded, where, and how much of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipSpec {
    /// Where the files go; it is made if it is not there.
    pub folder: PathBuf,
    /// Events of these labels are kept.
    pub labels: Vec<String>,
    /// Whether a clip in which a denied label was heard is to be dropped: then every sample of it must have been judged.
    pub is_denying: bool,
    /// Audio before the event.
    pub before: Duration,
    /// Audio after it.
    pub after: Duration,
    /// A longer clip is cut off.
    pub longest: Duration,
    /// All clips together take no more than this; the oldest go first.
    pub total_bytes: u64,
    /// Older ones are deleted.
    pub age: Duration,
}
