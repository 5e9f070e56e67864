//! The clips of one source: which events begin and end in its records, and its last samples, which the tap feeds. Owned by the
//! clip folder, on its thread.

use std::sync::Arc;
use std::time::Duration;

use super::audio_tap::AudioFeed;
use super::clip_spec::ClipSpec;
use super::clip_wav::Clip;
use super::history::{DenyTracker, History};
use crate::domain::{EventPhase, EventRecord, Published, Record, SampleIndex, SampleRate, State};

/// An event is confirmed this much later than it began, at most: the windows that confirm it and a window's length. The
/// last window that covers a clip's last sample ends this much later too.
const MAX_CONFIRMATION_DELAY: Duration = Duration::from_secs(10);

/// What is known of one source.
#[derive(Debug)]
pub(super) struct SourceClips {
    name: Arc<str>,
    feed: AudioFeed,
    history: History,
    deny_tracker: DenyTracker,
    open: Vec<OpenClip>,
}

/// A clip whose end has not been captured or not been scored yet.
#[derive(Debug)]
struct OpenClip {
    event: EventRecord,
    start: u64,
    /// None while the event lasts.
    end: Option<u64>,
}

impl SourceClips {
    pub(super) fn new(name: Arc<str>, sample_rate: SampleRate, feed: AudioFeed) -> Self {
        Self {
            name,
            feed,
            history: History::new(sample_rate),
            deny_tracker: DenyTracker::default(),
            open: Vec::new(),
        }
    }

    /// Whether records of `source` are this one's.
    pub(super) fn is_of(&self, source: &str) -> bool {
        *self.name == *source
    }

    /// Takes a record of this source; gives each clip that is complete to `keep`.
    pub(super) fn push(
        &mut self,
        published: &Published,
        spec: &ClipSpec,
        keep: &mut dyn FnMut(Clip),
    ) {
        self.drain_audio(spec, keep);
        match &published.record {
            Record::Window(window) => {
                self.deny_tracker.push(window, published.contains_denied);
                self.close_clips(window.start_sample.0, false, spec, keep);
            }
            Record::Event(event) => self.begin_or_end(event, spec),
            // no window spans it, and no later window covers what was before
            Record::Gap(_) => {
                self.close_clips(u64::MAX, true, spec, keep);
                self.deny_tracker.clear();
            }
            Record::Status(status) if status.state == State::Stopping => {
                self.close_clips(u64::MAX, true, spec, keep);
            }
            Record::Status(_) => {}
        }
    }

    fn drain_audio(&mut self, spec: &ClipSpec, keep: &mut dyn FnMut(Clip)) {
        while let Ok(block) = self.feed.blocks.try_recv() {
            if !self.history.is_continued_by(&block) {
                self.close_clips(u64::MAX, true, spec, keep);
            }
            self.history.push(&block);
            self.feed.give_back(block);
        }
        let rate = self.history.sample_rate();
        let kept = spec.before + spec.longest + spec.after + 2 * MAX_CONFIRMATION_DELAY;
        self.history.keep(rate.samples_in(kept));
        self.deny_tracker.forget_before(self.history.start().0);
    }

    fn begin_or_end(&mut self, event: &EventRecord, spec: &ClipSpec) {
        let rate = self.history.sample_rate();
        match event.phase {
            EventPhase::Onset { .. } if spec.labels.iter().any(|label| **label == *event.label) => {
                let start = event.start_sample.0.saturating_sub(rate.samples_in(spec.before));
                let start = start.max(self.history.start().0);
                self.open.push(OpenClip { event: event.clone(), start, end: None });
            }
            EventPhase::Onset { .. } => {}
            EventPhase::Offset { end_sample, .. } => {
                let end = end_sample.0 + rate.samples_in(spec.after);
                for clip in self.open.iter_mut().filter(|clip| clip.event.id == event.id) {
                    clip.end = Some(end);
                }
            }
        }
    }

    /// Cuts clips that are complete, and with `is_over` all others where they are.
    ///
    /// `scored_up_to`: no window that is still to come begins before this sample.
    fn close_clips(
        &mut self,
        scored_up_to: u64,
        is_over: bool,
        spec: &ClipSpec,
        keep: &mut dyn FnMut(Clip),
    ) {
        let captured_up_to = self.history.end().0;
        let longest = self.history.sample_rate().samples_in(spec.longest);
        for clip in std::mem::take(&mut self.open) {
            let limit = clip.start + longest;
            let end = clip.end.map_or(limit, |end| end.min(limit));
            let is_scored = !spec.is_denying || scored_up_to >= end;
            if is_over || (captured_up_to >= end && is_scored) {
                self.cut(&clip, end.min(captured_up_to), spec).map(&mut *keep);
            } else {
                self.open.push(clip);
            }
        }
    }

    /// What may be kept of a clip.
    fn cut(&self, clip: &OpenClip, end: u64, spec: &ClipSpec) -> Option<Clip> {
        let (event, mut span) = (&clip.event, (clip.start, end));
        if spec.is_denying {
            let permitted = self.deny_tracker.permitted_span(span, event.start_sample.0);
            let Some(permitted) = permitted else {
                log::info!(
                    "a clip of {} is not kept: a denied label was detected in it, or not all of it was scored",
                    event.label
                );
                return None;
            };
            span = permitted;
        }
        let Some(samples) = self.history.copy(SampleIndex(span.0), SampleIndex(span.1)) else {
            log::warn!("a clip of {} is not kept: some of its samples are missing", event.label);
            return None;
        };
        let sample_rate = self.history.sample_rate();
        let earlier = sample_rate.duration_of(event.start_sample.0.saturating_sub(span.0));
        Some(Clip {
            time: event.time.saturating_sub(earlier).unwrap_or(event.time),
            label: event.label.to_string(),
            event: event.id,
            sample_rate,
            samples,
        })
    }
}
