//! Layer 3: where records go: standard output, a log file, sockets, a broker of MQTT; and clips of the audio around events, if they are enabled.
//!
//! Publishers hand a record to every [`Outlet`], through the [`Fanout`]. A [`Sink`] that may block runs on a thread of its own
//! behind a bounded queue (`spawn_sink`), so that a slow or failing one delays neither inference nor the others. The sockets
//! and the client of a broker never block and are called directly.

mod clips;
mod command_sink;
mod error;
mod journal;
mod line_buffer;
mod line_format;
mod log_file;
mod metrics;
mod mqtt;
mod outlet;
mod prometheus;
mod queue;
mod recording_order;
mod sink;
mod sink_handle;
mod sink_stage;
mod socket;
mod stdout;
mod text_line;

pub use clips::{AudioBlock, AudioTap, ClipFolder, ClipSpec};
pub use command_sink::{CommandSink, CommandSinkSpec};
pub use error::SinkError;
pub use journal::JournalSink;
pub use line_format::{LineFormat, RecordFilter};
pub use log_file::{LogFile, LogFileSpec};
pub use metrics::SinkMetrics;
pub use mqtt::{
    BrokerAddress, BrokerError, MqttSink, MqttSpec, MqttTimes, Password, TlsRoots, probe_broker,
};
pub use outlet::{EndCallback, Fanout, LiveDemand, Outlet};
pub use prometheus::{Measurements, ModelFacts, Stage};
pub use queue::QueueCapacity;
pub use recording_order::TextClock;
pub use sink::{Sink, SinkClosed, SinkEnd};
pub use sink_handle::{SinkHandle, spawn_sink};
pub use socket::{SocketSink, SocketSpec, StatusReport, UnixSocketSpec, WebSpec};
pub use stdout::StdoutSink;
pub use text_line::Colour;
