//! How many clients ask for what is made on request only. Counted by the clients' tasks, read by whoever publishes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::protocol::{RecordKind, Subscription};
use crate::sinks::LiveDemand;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct DemandCounts {
    levels: AtomicUsize,
    mel: AtomicUsize,
    reasons: AtomicUsize,
}

impl DemandCounts {
    pub(super) fn demand(&self) -> LiveDemand {
        // Relaxed: the counts guard no other memory.
        let is_wanted = |count: &AtomicUsize| count.load(Ordering::Relaxed) > 0;
        LiveDemand {
            levels: is_wanted(&self.levels),
            mel: is_wanted(&self.mel),
            reasons: is_wanted(&self.reasons),
        }
    }
}

/// What one client asks for; counts for as long as it is held.
#[derive(Debug)]
pub(super) struct Demand {
    counts: Arc<DemandCounts>,
    demand: LiveDemand,
}

impl Demand {
    /// Nothing yet.
    pub(super) fn new(counts: Arc<DemandCounts>) -> Self {
        Self { counts, demand: LiveDemand::default() }
    }

    /// Counts for this subscription in place of the one before.
    pub(super) fn set(&mut self, subscription: &Subscription) {
        let wants = |kind| subscription.records.contains(kind);
        self.replace(LiveDemand {
            levels: wants(RecordKind::Level),
            mel: wants(RecordKind::Mel),
            reasons: subscription.reasons && wants(RecordKind::Window),
        });
    }

    fn replace(&mut self, next: LiveDemand) {
        let counts = &self.counts;
        let pairs = [
            (&counts.levels, self.demand.levels, next.levels),
            (&counts.mel, self.demand.mel, next.mel),
            (&counts.reasons, self.demand.reasons, next.reasons),
        ];
        for (count, before, after) in pairs {
            match (before, after) {
                // Relaxed: see `DemandCounts::demand`.
                (false, true) => count.fetch_add(1, Ordering::Relaxed),
                // Relaxed: as above.
                (true, false) => count.fetch_sub(1, Ordering::Relaxed),
                _ => continue,
            };
        }
        self.demand = next;
    }
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.replace(LiveDemand::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::RecordKinds;

    #[test]
    fn nothing_is_made_once_the_last_who_asked_has_left() {
        let counts = Arc::new(DemandCounts::default());
        let wants_mel =
            Subscription { records: RecordKinds::new(&[RecordKind::Mel]), ..Default::default() };
        let (mut first, mut second) =
            (Demand::new(Arc::clone(&counts)), Demand::new(Arc::clone(&counts)));
        first.set(&wants_mel);
        first.set(&wants_mel);
        second.set(&wants_mel);
        drop(first);
        assert_eq!(counts.demand(), LiveDemand { mel: true, ..Default::default() });
        second.set(&Subscription::default());
        assert_eq!(counts.demand(), LiveDemand::default());
    }
}
