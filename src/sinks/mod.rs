//! Layer 3: where records go: standard output, a log file, sockets; and clips of what was heard, if they are asked for.
//!
//! Each sink runs on a thread of its own behind a bounded queue (`spawn_sink`), so that a slow or failing one delays
//! neither inference nor the others.

mod clips;
mod error;
mod line_buffer;
mod line_format;
mod log_file;
mod queue;
mod record_filter;
mod sink;
mod sink_stage;
mod socket;
mod stdout;
mod text_line;
mod vitals;

pub use clips::{AudioBlock, AudioTap, ClipFolder, ClipSpec};
pub use error::SinkError;
pub use line_format::{Colour, LineFormat};
pub use log_file::{LogFile, LogFileSpec};
pub use queue::{QueueCapacity, SinkClosed, SinkHandle, WhenFull, close_sinks, spawn_sink};
pub use record_filter::RecordFilter;
pub use sink::Sink;
pub use sink_stage::SinkEnd;
pub use socket::{SocketSink, SocketSpec, StatusReport, UnixSocketSpec};
pub use stdout::StdoutSink;
pub use vitals::SinkVitals;
