//! Which input a window belongs to. Handed out to featurisers, carried by windows, looked up by scorers.

use std::sync::atomic::{AtomicU64, Ordering};

/// One featuriser's windows. What a scorer keeps between windows it keeps for each stream, so that no window is ever
/// scored with frames of another input.
///
/// The default is that of windows which no featuriser has filled yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamId(u64);

impl StreamId {
    /// An id that nobody in this process has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the ids have to differ, and nothing else depends on them
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
