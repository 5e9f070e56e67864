//! Sockets: any number of clients on a Unix and a TCP socket get every record as JSON Lines, and browsers the page.
//!
//! A `SocketSink` puts each line into a ring that all clients read from and never waits for any of them. The clients are served
//! by tokio on one thread, `tympan-clients`.

mod admission;
mod client;
mod demand;
mod request;
mod server;
mod shared;
mod socket_sink;
mod spec;
mod unix_path;
mod web;

pub use socket_sink::SocketSink;
pub use spec::{SocketSpec, StatusReport, UnixSocketSpec};
pub use web::WebSpec;
