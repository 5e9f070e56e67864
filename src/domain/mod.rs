//! Layer 0: the words every other layer speaks: rates, sample indices, clips, labels, windows, scores, records.
//!
//! Nothing here does I/O, starts a thread or knows of a model. Every layer above imports from here.

mod clip;
mod counters;
mod downmix;
mod error;
mod label_reason;
mod label_set;
mod live_record;
mod mel_window;
mod nearest;
mod printable;
mod record;
mod sample_rate;
mod spelling;

pub use clip::Clip;
pub use counters::{Counter, InputCounters, OutputCounters, Overflow};
pub use downmix::{downmix, is_sound};
pub use error::DomainError;
pub use label_reason::{LabelReason, REASON_FLOOR, Reason};
pub use label_set::{LabelSet, Scores};
pub use live_record::{LevelRecord, LiveRecord, MelRecord};
pub use mel_window::{MelWindow, StreamId};
pub use nearest::nearest;
pub use printable::{is_steering, printable, printable_json, printable_lines};
pub use record::{
    EventPhase, EventRecord, GapCause, GapRecord, LabelScore, Published, Record, State,
    StatusRecord, TopScores, WindowRecord,
};
pub use sample_rate::{SampleIndex, SampleRate};
