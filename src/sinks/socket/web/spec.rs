//! What the page is served with. Made from the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::protocol::Token;
use crate::sinks::Measurements;

/// Address, names and places.
#[derive(Debug, Clone)]
pub struct WebSpec {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Names that browsers may call this machine by, beside its addresses and `localhost`.
    pub hosts: Vec<String>,
    /// What a browser has to show; without one, nothing.
    pub token: Option<Token>,
    /// The log that past events are read from, if there is one.
    pub log_file: Option<PathBuf>,
    /// The folder of clips, if clips are on.
    pub clips: Option<PathBuf>,
    /// What Prometheus gets of the past.
    pub measurements: Arc<Measurements>,
}

impl WebSpec {
    /// The live view at `address`, for whoever reaches it.
    pub fn new(address: SocketAddr) -> Self {
        let measurements = Arc::new(Measurements::new(&[]));
        Self { address, hosts: Vec::new(), token: None, log_file: None, clips: None, measurements }
    }
}
