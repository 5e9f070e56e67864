//! A socket sink's addresses, limits and credentials. Made by a command from the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::web::WebSpec;
use crate::protocol::{DaemonStatus, Token};

/// The daemon's account of itself, for clients that ask; none before there is one.
pub type StatusReport = Arc<dyn Fn() -> Option<DaemonStatus> + Send + Sync>;

/// Addresses, limits and timeouts.
#[derive(Debug, Clone)]
pub struct SocketSpec {
    /// The Unix socket, if one is wanted.
    pub unix: Option<UnixSocketSpec>,
    /// The TCP address, if one is wanted; port 0 takes any free one.
    pub tcp: Option<SocketAddr>,
    /// The page for browsers, if one is wanted.
    pub web: Option<WebSpec>,
    /// What a TCP client has to send first, as `token SECRET`; without one, nothing.
    pub token: Option<Token>,
    /// How long a client may stay behind before it is dropped.
    pub patience: Duration,
    /// How many clients each socket serves at once.
    pub max_clients: usize,
    /// How many files this process may open: clients leave enough of them to the daemon.
    pub descriptors: u64,
}

impl Default for SocketSpec {
    /// No socket yet; 64 clients on each, a timeout of ten seconds, 1024 files.
    fn default() -> Self {
        Self {
            unix: None,
            tcp: None,
            web: None,
            token: None,
            patience: Duration::from_secs(10),
            max_clients: 64,
            descriptors: 1024,
        }
    }
}

/// A Unix socket's place and permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocketSpec {
    /// Its path; the folder must exist.
    pub path: PathBuf,
    /// Its permissions: whoever may write to it may connect.
    pub mode: u32,
}

impl UnixSocketSpec {
    /// A socket at `path` for its owner and group: mode 0660.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: 0o660 }
    }
}
