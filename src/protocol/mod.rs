//! Layer 1: every line that goes over a socket, as a type that serialises and deserialises, and a client that reads them.
//!
//! The daemon writes [`Message`]s and reads [`Request`]s; a [`Client`] does the reverse. `docs/PROTOCOL.md` is the reference: a
//! test holds its example lines against these types. Used by the socket sink, by `tympan status` and by `tympan bench`.

mod client;
mod daemon_status;
mod json_line;
mod message;
mod request;

pub use client::{Address, Client, ClientError, Stream};
pub use daemon_status::{DaemonStatus, InputStatus, LatencyStatus, ReloadStatus, SinkStatus};
pub use json_line::write_json_line;
pub use message::{Hello, Message, Missed, PROTOCOL_VERSION, Refused};
pub use request::{MAX_REQUEST_BYTES, RecordKind, RecordKinds, Request, Subscription, Token};
