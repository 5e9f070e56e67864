//! Layer 3: where records go: standard output, a log file, sockets.

mod sink;

pub use sink::Sink;
