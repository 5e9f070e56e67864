//! What the daemon writes to a client, a line each. Made by the socket sink, read by [`Client`](super::Client).

use serde::{Deserialize, Serialize};

use super::{DaemonStatus, RecordKind};
use crate::domain::{
    EventRecord, GapRecord, LevelRecord, LiveRecord, MelRecord, Record, StatusRecord, WindowRecord,
};

/// The version of the protocol that this program speaks. It rises when something that a reader relies on changes or goes: a
/// field, a unit, a meaning, the values of `state`, `cause` or `phase`. New types of lines and new fields leave it as it is.
pub const PROTOCOL_VERSION: u32 = 1;

/// One line from the daemon.
///
/// ```
/// use tympan::domain::EventPhase;
/// use tympan::protocol::Message;
///
/// let line = br#"{"type":"event","phase":"onset","id":7,"label":"dog","time":"2026-01-01T12:00:00Z","source":"mic","start_sample":48000,"score":0.93}"#;
/// match Message::parse(line)? {
///     Message::Event(event) => {
///         assert_eq!(&*event.label, "dog");
///         assert!(matches!(event.phase, EventPhase::Onset { .. }));
///     }
///     // newer daemons may write more; readers pass over it
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// The first line that a client reads once it is accepted.
    Hello(Hello),
    /// The scores of one window.
    Window(WindowRecord),
    /// An event began or ended.
    Event(EventRecord),
    /// Audio was lost.
    Gap(GapRecord),
    /// The daemon's state changed, or a client joined and reads the latest state.
    Status(StatusRecord),
    /// The input's level, up to 20 times a second; only on request.
    Level(LevelRecord),
    /// A column of the model's spectrogram, one a hop; only on request.
    Mel(MelRecord),
    /// The client was too slow for some records.
    Missed(Missed),
    /// The connection is refused and ends.
    Refused(Refused),
    /// The answer to [`Request::Status`](super::Request::Status).
    Daemon(Box<DaemonStatus>),
    /// A type that this program does not know, from a newer one. Readers pass over it.
    #[serde(other)]
    Unknown,
}

/// Who answers, and which protocol it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the daemon.
    pub protocol: u32,
    /// The daemon's program version.
    pub version: String,
}

impl Hello {
    /// The greeting of this program.
    pub fn of_this_program() -> Self {
        Self { protocol: PROTOCOL_VERSION, version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Records that a client did not get. The line stands where they would have stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// How many, of all kinds.
    pub records: u64,
}

/// Why a connection is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// In words.
    pub detail: String,
}

impl Message {
    /// Reads one line, with or without its line feed.
    ///
    /// Fields that are not known are passed over; a type that is not known gives [`Message::Unknown`].
    ///
    /// # Errors
    /// [`serde_json::Error`] when the line is no JSON object with a `type`, or lacks a field of its type.
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

impl From<Record> for Message {
    fn from(record: Record) -> Self {
        match record {
            Record::Window(window) => Self::Window(window),
            Record::Event(event) => Self::Event(event),
            Record::Gap(gap) => Self::Gap(gap),
            Record::Status(status) => Self::Status(status),
        }
    }
}

impl From<&Record> for RecordKind {
    fn from(record: &Record) -> Self {
        match record {
            Record::Window(_) => Self::Window,
            Record::Event(_) => Self::Event,
            Record::Gap(_) => Self::Gap,
            Record::Status(_) => Self::Status,
        }
    }
}

impl From<&LiveRecord> for RecordKind {
    fn from(record: &LiveRecord) -> Self {
        match record {
            LiveRecord::Window(_) => Self::Window,
            LiveRecord::Level(_) => Self::Level,
            LiveRecord::Mel(_) => Self::Mel,
        }
    }
}
