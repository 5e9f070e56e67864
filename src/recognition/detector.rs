//! Begins and ends events. The tracker feeds it smoothed scores and makes records of its detections; runs on the
//! classify thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::DetectorSpec;
use crate::domain::{EventPhase, MelWindow, Reason, SampleIndex, SampleRate};

/// Counts from 1; clones share one count, so that no two events of a daemon have the same id, whichever input they are of.
#[derive(Debug, Clone, Default)]
pub struct EventIds(Arc<AtomicU64>);

impl EventIds {
    /// A number that nobody with a clone has had.
    pub(super) fn next(&self) -> u64 {
        // Relaxed: the ids have to differ, and nothing else depends on them
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The beginning or the end of an event, in audio time.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The same for an onset and its offset, and never used again; see [`EventIds`].
    pub id: u64,
    /// Which label, as an index into the label set.
    pub label: usize,
    /// First sample of the event.
    pub start_sample: SampleIndex,
    /// Onset or offset.
    pub phase: EventPhase,
}

/// A score that does not count: no window yet, or one of a rest.
const UNCOUNTED: f32 = -1.0;

/// One state machine per label, driven by windows; time is audio time alone.
///
/// **Onset.** An event begins with the window that brings the windows at or above `on` to N among the last M. It
/// starts where the *new* audio of the first of those windows starts: at the end of the window before it (or at the
/// window's own start, if it is the first after a gap). What lifted the score came in there; the window reaches
/// further back, but earlier windows had covered that part.
///
/// **Offset.** An event ends with the first window below `off`, at the end of the last window that was not: by the same
/// reasoning. An event younger than its minimum is held open, and goes on if the score recovers meanwhile; one that
/// reaches the maximum is ended there. At a gap and at the end of the audio every event ends with the last window,
/// however young.
///
/// **Rest.** No event starts before the last one of its label ended plus the cooldown: windows whose new audio starts
/// earlier do not count.
///
/// Windows below the minimum level count as zero. Windows without new audio are passed over.
#[derive(Debug)]
pub struct Detector {
    spec: DetectorSpec,
    min_event_samples: u64,
    max_event_samples: u64,
    cooldown_samples: u64,
    /// `[labels, confirm_of]`: the scores of the last windows, in a ring.
    recent: Vec<f32>,
    /// `[confirm_of]`: where the new audio of those windows starts.
    new_audio_starts: Vec<SampleIndex>,
    /// The newest place in both rings.
    newest: usize,
    tracks: Vec<Track>,
    last_end: Option<SampleIndex>,
    ended: Vec<Detection>,
    ids: EventIds,
}

#[derive(Debug, Clone, Default)]
struct Track {
    open: Option<OpenEvent>,
    rests_until: SampleIndex,
}

#[derive(Debug, Clone)]
struct OpenEvent {
    id: u64,
    start: SampleIndex,
    /// End of the last window at or above `off`.
    held_until: SampleIndex,
    peak: f32,
}

impl Detector {
    /// A detector that follows `spec`, for sample indices that count at `sample_rate`; its events get the next of `ids`.
    pub fn new(spec: DetectorSpec, sample_rate: SampleRate, ids: EventIds) -> Self {
        let (labels, of) = (spec.labels().len(), spec.settings().confirm_of);
        let settings = spec.settings();
        Self {
            min_event_samples: sample_rate.samples_in(settings.min_event),
            max_event_samples: sample_rate.samples_in(settings.max_event).max(1),
            cooldown_samples: sample_rate.samples_in(settings.cooldown),
            recent: vec![UNCOUNTED; labels * of],
            new_audio_starts: vec![SampleIndex(0); of],
            newest: 0,
            tracks: vec![Track::default(); labels],
            last_end: None,
            ended: Vec::with_capacity(labels),
            ids,
            spec,
        }
    }

    /// The rules it follows.
    pub fn spec(&self) -> &DetectorSpec {
        &self.spec
    }

    /// Takes in the smoothed `scores` of `window`; emits first the events that ended, in the order of their ids, then those
    /// that began, in the order of the labels.
    ///
    /// # Shapes
    /// `scores`: `[labels]`.
    ///
    /// # Real time
    /// Does not allocate.
    pub fn push(&mut self, window: &MelWindow, scores: &[f32], emit: &mut dyn FnMut(Detection)) {
        let end = window.end_sample;
        let new_audio_start = self.last_end.unwrap_or(window.start_sample);
        if end <= new_audio_start {
            return;
        }
        self.last_end = Some(end);
        self.newest = (self.newest + 1) % self.new_audio_starts.len();
        self.new_audio_starts[self.newest] = new_audio_start;
        let audible = self.spec.is_audible(window.level_dbfs);
        for (label, &score) in scores.iter().enumerate() {
            let score = if audible { score } else { 0.0 };
            self.push_score(label, new_audio_start, score);
            self.update_open_event(label, end, score);
        }
        self.emit_offsets(emit);
        for label in 0..self.tracks.len() {
            if let Some(onset) = self.begin(label, end) {
                emit(onset);
            }
        }
        // an event whose first window reaches further back than the maximum is over at once
        for label in 0..self.tracks.len() {
            self.end_overlong(label, end);
        }
        self.emit_offsets(emit);
    }

    /// Why the window that was pushed last began no event of `label`, whose smoothed score in it was `score`; that it is
    /// below the threshold, where nothing else speaks against it.
    pub fn reason(&self, label: usize, score: f32) -> Reason {
        if self.tracks[label].open.is_some() {
            return Reason::Event;
        }
        if !self.spec.is_allowed(label) {
            return Reason::NotAllowed;
        }
        let on = self.spec.thresholds(label).on;
        if score < on {
            return Reason::BelowThreshold;
        }
        let recent = &self.recent[self.places(label)];
        if recent[self.newest] == UNCOUNTED {
            return Reason::Cooldown;
        }
        let windows = recent.iter().filter(|score| **score >= on).count();
        let settings = self.spec.settings();
        Reason::Unconfirmed { windows, needed: settings.confirm_windows, of: settings.confirm_of }
    }

    /// Ends every open event at the last sample that a window covered and forgets the windows so far: at a
    /// gap, where nothing is known of what comes, and at the end of the audio.
    pub fn close_all(&mut self, emit: &mut dyn FnMut(Detection)) {
        if let Some(last) = self.last_end.take() {
            for label in 0..self.tracks.len() {
                self.end(label, last);
            }
        }
        self.recent.fill(UNCOUNTED);
        self.emit_offsets(emit);
    }

    /// `[confirm_of]`: the places of a label in `recent`.
    fn places(&self, label: usize) -> std::ops::Range<usize> {
        label * self.new_audio_starts.len()..(label + 1) * self.new_audio_starts.len()
    }

    fn push_score(&mut self, label: usize, new_audio_start: SampleIndex, score: f32) {
        let counts =
            self.spec.is_allowed(label) && new_audio_start >= self.tracks[label].rests_until;
        let place = self.places(label).start + self.newest;
        self.recent[place] = if counts { score } else { UNCOUNTED };
    }

    /// Carries on an open event, or ends it.
    fn update_open_event(&mut self, label: usize, end: SampleIndex, score: f32) {
        let off = self.spec.thresholds(label).off;
        let Some(open) = &mut self.tracks[label].open else { return };
        if score >= off {
            open.held_until = end;
            open.peak = open.peak.max(score);
        } else if end.since(open.start) >= self.min_event_samples {
            let until = open.held_until.max(open.start + self.min_event_samples);
            self.end(label, until);
            return;
        }
        self.end_overlong(label, end);
    }

    fn end_overlong(&mut self, label: usize, end: SampleIndex) {
        let Some(open) = &self.tracks[label].open else { return };
        if end.since(open.start) >= self.max_event_samples {
            let until = open.start + self.max_event_samples;
            self.end(label, until);
        }
    }

    fn end(&mut self, label: usize, end_sample: SampleIndex) {
        let Some(open) = self.tracks[label].open.take() else { return };
        self.tracks[label].rests_until = end_sample + self.cooldown_samples;
        let places = self.places(label);
        self.recent[places].fill(UNCOUNTED);
        self.ended.push(Detection {
            id: open.id,
            label,
            start_sample: open.start,
            phase: EventPhase::Offset { end_sample, peak_score: open.peak },
        });
    }

    fn emit_offsets(&mut self, emit: &mut dyn FnMut(Detection)) {
        self.ended.sort_unstable_by_key(|detection| detection.id);
        self.ended.drain(..).for_each(emit);
    }

    /// Begins an event if the newest window confirms one.
    fn begin(&mut self, label: usize, end: SampleIndex) -> Option<Detection> {
        let recent = &self.recent[self.places(label)];
        let (on, score) = (self.spec.thresholds(label).on, recent[self.newest]);
        if score < on || self.tracks[label].open.is_some() {
            return None;
        }
        let agreeing = recent.iter().filter(|score| **score >= on).count();
        if agreeing < self.spec.settings().confirm_windows {
            return None;
        }
        let oldest_first = (1..=recent.len()).map(|age| (self.newest + age) % recent.len());
        let start = oldest_first.clone().find(|place| recent[*place] >= on);
        let start = self.new_audio_starts[start.expect("invariant: the newest window agrees")];
        let peak = recent.iter().copied().fold(score, f32::max);
        let id = self.ids.next();
        self.tracks[label].open = Some(OpenEvent { id, start, held_until: end, peak });
        Some(Detection {
            id,
            label,
            start_sample: start,
            phase: EventPhase::Onset { score, verifier_score: None },
        })
    }
}
