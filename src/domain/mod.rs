//! Layer 0: the words every other layer speaks: rates, sample indices, clips, labels, windows, scores, records.
//!
//! Nothing here does I/O, starts a thread or knows of a model. Every layer above imports from here.

mod clip;
mod counters;
mod downmix;
mod error;
mod label_set;
mod mel_window;
mod overflow;
mod printable;
mod published;
mod record;
mod sample_index;
mod sample_rate;
mod scores;

pub use clip::Clip;
pub use counters::{Counter, Counters};
pub use downmix::{MAX_SAMPLE, downmix};
pub use error::DomainError;
pub use label_set::LabelSet;
pub use mel_window::MelWindow;
pub use overflow::Overflow;
pub use printable::{is_steering, printable, printable_json, printable_lines};
pub use published::Published;
pub use record::{
    EventPhase, EventRecord, GapCause, GapRecord, LabelScore, Record, State, StatusRecord,
    TopScores, WindowRecord,
};
pub use sample_index::SampleIndex;
pub use sample_rate::SampleRate;
pub use scores::Scores;
