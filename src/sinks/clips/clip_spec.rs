//! What the clip folder is told to keep. Made from the configuration.

use std::path::PathBuf;
use std::time::Duration;

/// What is recorded, where, and how much of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipSpec {
    /// Where the files go; it is made if it is not there.
    pub folder: PathBuf,
    /// Events of these labels are kept.
    pub labels: Vec<String>,
    /// Whether a clip that contains a denied label is dropped: then windows must have scored every sample of it.
    pub is_denying: bool,
    /// Audio before the event.
    pub before: Duration,
    /// Audio after it.
    pub after: Duration,
    /// A longer clip is cut off.
    pub longest: Duration,
    /// All clips together take no more than this; the oldest go first.
    pub total_bytes: u64,
    /// Older ones are deleted.
    pub age: Duration,
}
