//! The page for browsers: what a daemon hears, live, and what it heard before, from its log.
//!
//! `WebServer` accepts connections; `routes` answers a request; `access` says who may ask; `event_stream` is the live view's one
//! stream of records; `history` reads the log; `page` holds the files that a browser loads. Only GET, and nothing is changed.

mod access;
mod event_stream;
mod history;
mod page;
mod routes;
mod spec;
mod web_server;

pub use spec::WebSpec;
pub(super) use web_server::WebServer;
