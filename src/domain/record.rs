//! The records tympan writes: the public interface. Made by the recogniser and the supervisor, written by the sinks, read again
//! by clients.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::spelling::{four_decimals, four_decimals_if_any, one_decimal, utc_millis};
use super::{LabelReason, SampleIndex, SampleRate};

/// One output line.
///
/// Times are on the wall clock (UTC); sample indices count at the source's own rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The scores of one window.
    Window(WindowRecord),
    /// An event began or ended.
    Event(EventRecord),
    /// Audio that was lost.
    Gap(GapRecord),
    /// The daemon's state changed.
    Status(StatusRecord),
}

impl Record {
    /// The name of the input that it is of.
    pub fn source(&self) -> &str {
        match self {
            Self::Window(window) => &window.source,
            Self::Event(event) => &event.source,
            Self::Gap(gap) => &gap.source,
            Self::Status(status) => &status.source,
        }
    }
}

/// The best labels of a window: as many as are usually listed stand in the record itself, so that making one allocates
/// nothing.
pub type TopScores = SmallVec<[LabelScore; 5]>;

/// The scores of one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// When the window's last sample was captured.
    #[serde(serialize_with = "utc_millis")]
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// First sample of the window.
    pub start_sample: SampleIndex,
    /// One past the last sample of the window.
    pub end_sample: SampleIndex,
    /// The best labels, highest smoothed score first.
    pub scores: TopScores,
    /// Level of the window's samples in dB of full scale.
    #[serde(serialize_with = "one_decimal")]
    pub level_dbfs: f32,
    /// Samples of silence added to the end of a clip shorter than one window; left out when zero, never in live use.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub padded_samples: u64,
    /// Microseconds from the arrival of the window's last sample to this record's publication.
    pub latency_us: u64,
    /// Why labels began no event; left out unless a client asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<LabelReason>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A label and its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelScore {
    /// The label.
    pub label: Arc<str>,
    /// Between 0 and 1.
    #[serde(serialize_with = "four_decimals")]
    pub score: f32,
}

/// The beginning or the end of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "EventLine", try_from = "EventLine")]
pub struct EventRecord {
    /// Onset or offset.
    pub phase: EventPhase,
    /// The same for an onset and its offset; counts from 1 within a run.
    pub id: u64,
    /// The label that was detected.
    pub label: Arc<str>,
    /// When: of an onset the start, of an offset the end.
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// First sample of the event.
    pub start_sample: SampleIndex,
}

/// What an event record reports.
#[derive(Debug, Clone, PartialEq)]
pub enum EventPhase {
    /// The event was confirmed.
    Onset {
        /// The smoothed score that confirmed it.
        score: f32,
        /// What the model's verifier alone gave the window that confirmed it; none where the model has no verifier.
        verifier_score: Option<f32>,
    },
    /// The event is over.
    Offset {
        /// One past the last sample of the event.
        end_sample: SampleIndex,
        /// The highest smoothed score while it lasted.
        peak_score: f32,
    },
}

/// An event as its line spells it: the phase's name comes first, its own values come last.
#[derive(Serialize, Deserialize)]
struct EventLine {
    phase: PhaseName,
    id: u64,
    label: Arc<str>,
    #[serde(serialize_with = "utc_millis")]
    time: Timestamp,
    source: Arc<str>,
    start_sample: SampleIndex,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "four_decimals_if_any")]
    score: Option<f32>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "four_decimals_if_any"
    )]
    verifier_score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_sample: Option<SampleIndex>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "four_decimals_if_any")]
    peak_score: Option<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PhaseName {
    Onset,
    Offset,
}

impl From<EventRecord> for EventLine {
    fn from(event: EventRecord) -> Self {
        let EventRecord { phase, id, label, time, source, start_sample } = event;
        let line = Self {
            phase: PhaseName::Onset,
            id,
            label,
            time,
            source,
            start_sample,
            score: None,
            verifier_score: None,
            end_sample: None,
            peak_score: None,
        };
        match phase {
            EventPhase::Onset { score, verifier_score } => {
                Self { score: Some(score), verifier_score, ..line }
            }
            EventPhase::Offset { end_sample, peak_score } => Self {
                phase: PhaseName::Offset,
                end_sample: Some(end_sample),
                peak_score: Some(peak_score),
                ..line
            },
        }
    }
}

impl TryFrom<EventLine> for EventRecord {
    type Error = &'static str;

    fn try_from(line: EventLine) -> Result<Self, Self::Error> {
        let EventLine { phase, id, label, time, source, start_sample, .. } = line;
        let phase = match (phase, line.score, line.end_sample, line.peak_score) {
            (PhaseName::Onset, Some(score), ..) => {
                EventPhase::Onset { score, verifier_score: line.verifier_score }
            }
            (PhaseName::Offset, _, Some(end_sample), Some(peak_score)) => {
                EventPhase::Offset { end_sample, peak_score }
            }
            (PhaseName::Onset, ..) => return Err("an onset without a score"),
            (PhaseName::Offset, ..) => return Err("an offset without end_sample or peak_score"),
        };
        Ok(Self { phase, id, label, time, source, start_sample })
    }
}

/// Audio that was lost between two samples that were not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GapRecord {
    /// When the first lost sample was due.
    #[serde(serialize_with = "utc_millis")]
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// The first lost sample.
    pub start_sample: SampleIndex,
    /// How many were lost.
    pub samples: u64,
    /// Why.
    pub cause: GapCause,
}

/// Why audio was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// The ring was full: the feature stage did not keep up.
    Overrun,
    /// The driver lost samples before they reached this process; the length is inferred from time stamps.
    DriverOverrun,
    /// The device was lost and came back; the length is that of the time between.
    DeviceLost,
}

/// A change of the daemon's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusRecord {
    /// When it changed.
    #[serde(serialize_with = "utc_millis")]
    pub time: Timestamp,
    /// The source's name.
    pub source: Arc<str>,
    /// The state it changed to.
    pub state: State,
    /// In words.
    pub detail: String,
    /// The source's sample rate, which every sample index of its records counts at.
    pub sample_rate_hz: SampleRate,
}

/// The states of an input, in order: the later, the more is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Audio arrives and is scored.
    Listening,
    /// Audio arrives, and none of it is loud enough for its scores to count: a very quiet room, or too little gain.
    Quiet,
    /// Samples sit at full scale: the input gain is too high.
    Clipping,
    /// Audio arrives, and it is flatter than any room: an input that is muted or unplugged before its converter.
    Flat,
    /// Audio arrives, and all of it is exactly zero: an input that is muted in software.
    Silent,
    /// Samples are no numbers, or absurdly large: a broken channel, or bytes taken for the wrong format.
    Invalid,
    /// An output has written nothing for seconds: nobody reads it, or its disk hangs.
    Stalled,
    /// Stages cannot keep up: windows or audio are being dropped.
    Overloaded,
    /// The source is gone.
    Lost,
    /// The source is being reopened.
    Recovering,
    /// The daemon is ending.
    Stopping,
}

impl State {
    /// Each of them, in their order.
    pub const EACH: [Self; 11] = [
        Self::Listening,
        Self::Quiet,
        Self::Clipping,
        Self::Flat,
        Self::Silent,
        Self::Invalid,
        Self::Stalled,
        Self::Overloaded,
        Self::Lost,
        Self::Recovering,
        Self::Stopping,
    ];
}

impl std::fmt::Display for State {
    /// As it is spelled in records.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Listening => "listening",
            Self::Silent => "silent",
            Self::Flat => "flat",
            Self::Quiet => "quiet",
            Self::Clipping => "clipping",
            Self::Invalid => "invalid",
            Self::Stalled => "stalled",
            Self::Overloaded => "overloaded",
            Self::Lost => "lost",
            Self::Recovering => "recovering",
            Self::Stopping => "stopping",
        })
    }
}

/// A record, and what outputs have to know beside it and never write.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The record.
    pub record: Record,
    /// Whether a label of which no recording may be kept scored at or above its threshold in this window.
    pub contains_denied: bool,
}

impl From<Record> for Published {
    fn from(record: Record) -> Self {
        Self { record, contains_denied: false }
    }
}

impl From<Published> for Record {
    fn from(published: Published) -> Self {
        published.record
    }
}
