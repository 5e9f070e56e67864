//! What is known of one source of a daemon: its level, spectrogram, newest window, events and state. Fed by the state, drawn
//! by the panels.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::level_meter::LevelMeter;
use super::spectrogram::Spectrogram;
use crate::domain::{
    EventPhase, EventRecord, GapCause, GapRecord, LevelRecord, MelRecord, Reason, SampleIndex,
    SampleRate, State, StatusRecord, WindowRecord,
};

/// Lines of the list of events that are kept; a screen has some sixty.
const MAX_ENTRIES: usize = 500;

/// More labels than the largest label set in use has, of which thresholds are kept.
const MAX_LABELS: usize = 2_000;

/// After so many windows without a column there is none to be waited for.
const WINDOWS_WITHOUT_COLUMN: u64 = 25;

/// A line of the list of events.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// A sound.
    Event {
        id: u64,
        label: Arc<str>,
        began: Timestamp,
        start_sample: SampleIndex,
        /// The highest score that is known.
        peak_score: f32,
        end: EventEnd,
    },
    /// Audio was lost.
    Gap { time: Timestamp, samples: u64, cause: GapCause },
    /// The state changed.
    State { time: Timestamp, state: State, detail: String },
}

/// How an event went on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum EventEnd {
    /// It has not ended.
    Open,
    /// It ended at this sample.
    At(SampleIndex),
    /// The connection was lost meanwhile.
    Unseen,
}

/// A label of the newest window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabelBar<'a> {
    pub(super) label: &'a str,
    pub(super) score: f32,
    pub(super) threshold: Option<f32>,
    pub(super) reason: Option<&'a Reason>,
}

/// One source.
#[derive(Debug, Clone)]
pub(super) struct SourceView {
    pub(super) name: Arc<str>,
    pub(super) rate: Option<SampleRate>,
    pub(super) state: Option<State>,
    pub(super) detail: String,
    pub(super) meter: LevelMeter,
    pub(super) spectrogram: Spectrogram,
    pub(super) window: Option<WindowRecord>,
    /// The newest last.
    pub(super) entries: VecDeque<Entry>,
    pub(super) events: u64,
    pub(super) gaps: u64,
    thresholds: BTreeMap<Arc<str>, f32>,
    windows_without_column: u64,
}

impl SourceView {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            rate: None,
            state: None,
            detail: String::new(),
            meter: LevelMeter::default(),
            spectrogram: Spectrogram::default(),
            window: None,
            entries: VecDeque::new(),
            events: 0,
            gaps: 0,
            thresholds: BTreeMap::new(),
            windows_without_column: 0,
        }
    }

    pub(super) fn on_level(&mut self, record: &LevelRecord, now: Duration) {
        self.meter.on(record, now);
    }

    pub(super) fn on_mel(&mut self, record: &MelRecord) {
        self.windows_without_column = 0;
        if let Some(rate) = self.rate {
            self.spectrogram.push(record, rate);
        }
    }

    pub(super) fn on_window(&mut self, window: WindowRecord) {
        self.windows_without_column += 1;
        for reason in &window.reasons {
            if let Some(threshold) = self.thresholds.get_mut(&reason.label) {
                *threshold = reason.threshold;
            } else if self.thresholds.len() < MAX_LABELS {
                self.thresholds.insert(Arc::clone(&reason.label), reason.threshold);
            }
        }
        self.window = Some(window);
    }

    /// Whether windows come and no columns with them: the model takes the waveform.
    pub(super) fn has_no_spectrogram(&self) -> bool {
        self.windows_without_column > WINDOWS_WITHOUT_COLUMN
    }

    pub(super) fn on_event(&mut self, event: EventRecord) {
        match event.phase {
            EventPhase::Onset { score, .. } => {
                self.events += 1;
                self.enter(Entry::Event {
                    id: event.id,
                    label: event.label,
                    began: event.time,
                    start_sample: event.start_sample,
                    peak_score: score,
                    end: EventEnd::Open,
                });
            }
            EventPhase::Offset { end_sample, peak_score: highest } => {
                for entry in self.entries.iter_mut().rev() {
                    match entry {
                        Entry::Event { id, peak_score, end, .. }
                            if *id == event.id && *end == EventEnd::Open =>
                        {
                            (*end, *peak_score) = (EventEnd::At(end_sample), highest);
                            return;
                        }
                        _ => {}
                    }
                }
                // it began before there was anybody to see it
                let length = end_sample.since(event.start_sample);
                let length = self.rate.map(|rate| rate.duration_of(length)).unwrap_or_default();
                self.enter(Entry::Event {
                    id: event.id,
                    label: event.label,
                    began: event.time.checked_sub(length).unwrap_or(event.time),
                    start_sample: event.start_sample,
                    peak_score: highest,
                    end: EventEnd::At(end_sample),
                });
            }
        }
    }

    pub(super) fn on_gap(&mut self, gap: &GapRecord) {
        self.gaps += 1;
        self.enter(Entry::Gap { time: gap.time, samples: gap.samples, cause: gap.cause });
    }

    pub(super) fn on_status(&mut self, status: StatusRecord) {
        self.rate = Some(status.sample_rate_hz);
        // the first one of a connection is no change
        if self.state.is_some_and(|state| state != status.state) {
            let (time, state, detail) = (status.time, status.state, status.detail.clone());
            self.enter(Entry::State { time, state, detail });
        }
        (self.state, self.detail) = (Some(status.state), status.detail);
    }

    /// The connection is gone: what is on has no end that could be seen.
    pub(super) fn on_down(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Event { end: end @ EventEnd::Open, .. } = entry {
                *end = EventEnd::Unseen;
            }
        }
        self.window = None;
        self.windows_without_column = 0;
    }

    /// The labels of the newest window that contain `filter`, the highest score first.
    pub(super) fn label_bars(&self, filter: &str) -> Vec<LabelBar<'_>> {
        let Some(window) = &self.window else { return Vec::new() };
        let mut bars: Vec<LabelBar<'_>> = window
            .reasons
            .iter()
            .map(|reason| LabelBar {
                label: &reason.label,
                score: reason.score,
                threshold: Some(reason.threshold),
                reason: Some(&reason.reason),
            })
            .collect();
        let others = window
            .scores
            .iter()
            .filter(|best| window.reasons.iter().all(|reason| reason.label != best.label));
        bars.extend(others.map(|best| LabelBar {
            label: &best.label,
            score: best.score,
            threshold: self.thresholds.get(&best.label).copied(),
            reason: None,
        }));
        // as they are shown: what differs in the third decimal does not change places, and nothing is not shown
        let hundredths = |bar: &LabelBar<'_>| (bar.score * 100.0).round() as i64;
        bars.retain(|bar| hundredths(bar) > 0 && bar.label.to_lowercase().contains(filter));
        bars.sort_by(|a, b| hundredths(b).cmp(&hundredths(a)).then_with(|| a.label.cmp(b.label)));
        bars
    }

    /// How long an event is, or has been so far.
    pub(super) fn length(&self, start: SampleIndex, end: EventEnd) -> Option<Duration> {
        let end = match end {
            EventEnd::At(end) => end,
            EventEnd::Open => self.window.as_ref()?.end_sample,
            EventEnd::Unseen => return None,
        };
        Some(self.rate?.duration_of(end.0.saturating_sub(start.0)))
    }

    fn enter(&mut self, entry: Entry) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}
