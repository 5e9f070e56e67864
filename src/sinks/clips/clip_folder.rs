//! The sink that writes clips: the audio around events, for the labels that the configuration names. Its queue feeds it
//! records, the tap feeds it samples; runs on the thread `tympan-clips`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audio_tap::{AudioFeed, AudioTap, audio_tap};
use super::clip_clock::Now;
use super::clip_wav::Clip;
use super::history::{DenyTracker, History};
use super::wav_files::WavFiles;
use crate::domain::{
    EventPhase, EventRecord, OutputCounters, Overflow, Published, Record, SampleIndex, SampleRate,
    State,
};
use crate::sinks::{Sink, SinkError};

/// An event is confirmed this much later than it began, at most: the windows that confirm it and a window's length. The
/// last window that covers a clip's last sample ends this much later too.
const MAX_CONFIRMATION_DELAY: Duration = Duration::from_secs(10);

/// Clips that may wait for a disk that is full; then the oldest are dropped.
const CLIPS_WAITING: usize = 8;

/// From one search for clips that are too old to the next.
const CLEANUP_PERIOD: Duration = Duration::from_secs(600);

/// Keeps clips of events.
#[derive(Debug)]
pub struct ClipFolder {
    spec: ClipSpec,
    files: WavFiles,
    feed: AudioFeed,
    history: History,
    deny_tracker: DenyTracker,
    open: Vec<OpenClip>,
    ready: VecDeque<Clip>,
    last_cleanup: Option<Instant>,
}

/// A clip whose end has not been captured or not been scored yet.
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
        counters: Arc<OutputCounters>,
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
            deny_tracker: DenyTracker::default(),
            open: Vec::new(),
            ready: VecDeque::new(),
            last_cleanup: None,
        };
        Ok((folder, tap))
    }

    fn drain_audio(&mut self) {
        while let Ok(block) = self.feed.blocks.try_recv() {
            if !self.history.is_continued_by(&block) {
                self.close_clips(u64::MAX, true);
            }
            self.history.push(&block);
            self.feed.give_back(block);
        }
        let rate = self.history.sample_rate();
        let kept =
            self.spec.before + self.spec.longest + self.spec.after + 2 * MAX_CONFIRMATION_DELAY;
        self.history.keep(rate.samples_in(kept));
        self.deny_tracker.forget_before(self.history.start().0);
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
    /// `scored_up_to`: no window that is still to come begins before this sample.
    fn close_clips(&mut self, scored_up_to: u64, is_over: bool) {
        let captured_up_to = self.history.end().0;
        let longest = self.history.sample_rate().samples_in(self.spec.longest);
        for clip in std::mem::take(&mut self.open) {
            let limit = clip.start + longest;
            let end = clip.end.map_or(limit, |end| end.min(limit));
            let is_scored = !self.spec.is_denying || scored_up_to >= end;
            if is_over || (captured_up_to >= end && is_scored) {
                self.keep(&clip, end.min(captured_up_to));
            } else {
                self.open.push(clip);
            }
        }
    }

    /// Keeps what may be kept of a clip.
    fn keep(&mut self, clip: &OpenClip, end: u64) {
        let (event, mut span) = (&clip.event, (clip.start, end));
        if self.spec.is_denying {
            let Some(permitted) = self.deny_tracker.permitted_span(span, event.start_sample.0)
            else {
                log::info!(
                    "a clip of {} is not kept: a denied label was detected in it, or not all of it was scored",
                    event.label
                );
                return;
            };
            span = permitted;
        }
        let Some(samples) = self.history.copy(SampleIndex(span.0), SampleIndex(span.1)) else {
            log::warn!("a clip of {} is not kept: some of its samples are missing", event.label);
            return;
        };
        if self.ready.len() == CLIPS_WAITING {
            self.ready.pop_front();
            log::warn!("a clip is dropped: {CLIPS_WAITING} others wait to be written");
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
        self.drain_audio();
        match &published.record {
            Record::Window(window) => {
                self.deny_tracker.push(window, published.contains_denied);
                self.close_clips(window.start_sample.0, false);
            }
            Record::Event(event) => self.begin_or_end(event),
            // no window spans it, and no later window covers what was before
            Record::Gap(_) => {
                self.close_clips(u64::MAX, true);
                self.deny_tracker.clear();
            }
            Record::Status(status) if status.state == State::Stopping => {
                self.close_clips(u64::MAX, true);
            }
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
        let last = self.last_cleanup;
        if last.is_none_or(|last| now.monotonic.saturating_duration_since(last) >= CLEANUP_PERIOD) {
            let shrunk = self.files.shrink(0, now);
            shrunk.map_err(|source| self.failed(source))?;
            self.last_cleanup = Some(now.monotonic);
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
    /// Whether a clip that contains a denied label is dropped: then windows must have scored every sample of it.
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
