//! Sockets: any number of clients on a Unix and a TCP socket get every record as JSON Lines.
//!
//! A `SocketSink` puts each line into a ring that all clients read from and never waits for any of them. The clients are served
//! by tokio on one thread, `tympan-clients`.

mod admission;
mod client;
mod demand;
mod request;
mod server;
mod socket_sink;
mod spec;
mod unix_path;

pub use socket_sink::SocketSink;
pub use spec::{SocketSpec, StatusReport, UnixSocketSpec};
