//! Numbers for events. Made once for a daemon or a run over recordings, shared by the trackers of all its inputs; used on
//! the thread that tracks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts from 1; clones share one count, so that no two events of a daemon have the same id, whichever input they are of.
#[derive(Debug, Clone, Default)]
pub struct EventIds(Arc<AtomicU64>);

impl EventIds {
    /// A number that nobody with a clone has had.
    pub(super) fn next(&self) -> u64 {
        // Relaxed: the ids have to differ, and nothing else depends on them
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}
