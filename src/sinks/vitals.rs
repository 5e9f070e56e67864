//! How a sink fares: what it lost, whether it fails, whether it is stuck. Written by its thread and by its handle, read by
//! whoever watches the daemon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::domain::{Counter, Counters, Record};

/// A write that takes longer is a stall: even a disk that has to spin up answers sooner, or comes close.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// One sink's life signs.
#[derive(Debug)]
pub struct SinkVitals {
    name: String,
    all: Arc<Counters>,
    lost: Counter,
    begun: Counter,
    ended: Counter,
    fails: AtomicBool,
    created: Instant,
    /// When the last attempt began, in milliseconds since then.
    begun_ms: AtomicU64,
}

impl SinkVitals {
    pub(super) fn new(name: &str, all: Arc<Counters>) -> Self {
        Self {
            name: name.to_owned(),
            all,
            lost: Counter::default(),
            begun: Counter::default(),
            ended: Counter::default(),
            fails: AtomicBool::new(false),
            created: Instant::now(),
            begun_ms: AtomicU64::new(0),
        }
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records that it could not take.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Whether its last attempt failed; it is tried again.
    pub fn fails(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.fails.load(Ordering::Relaxed)
    }

    /// Attempts to write or flush that came to an end, well or not.
    pub fn attempts(&self) -> u64 {
        self.ended.get()
    }

    /// Whether an attempt is under way. If it stays the same one, the sink is stuck: a full pipe that nobody reads.
    pub fn is_busy(&self) -> bool {
        // the end first: an attempt that begins in between makes it busy, which it is
        let ended = self.ended.get();
        self.begun.get() > ended
    }

    /// For how long it has been in one and the same write, if that is longer than any write should take.
    pub fn stalled_for(&self, now: Instant) -> Option<Duration> {
        if !self.is_busy() {
            return None;
        }
        // Relaxed: the number guards no other memory. If the attempt has just ended and another begun, it is a recent one.
        let begun = self.created + Duration::from_millis(self.begun_ms.load(Ordering::Relaxed));
        Some(now.saturating_duration_since(begun)).filter(|lasting| *lasting >= STALLED_AFTER)
    }

    pub(super) fn attempt<T>(&self, attempt: impl FnOnce() -> T) -> T {
        let begun_ms = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Relaxed: see `stalled_for`.
        self.begun_ms.store(begun_ms, Ordering::Relaxed);
        self.begun.add(1);
        let outcome = attempt();
        self.ended.add(1);
        outcome
    }

    pub(super) fn set_fails(&self, fails: bool) {
        // Relaxed: see `fails`.
        self.fails.store(fails, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, record: &Record) {
        match record {
            Record::Window(_) => self.lose_counts(1, 0),
            Record::Event(_) | Record::Gap(_) | Record::Status(_) => self.lose_counts(0, 1),
        }
    }

    pub(super) fn lose_counts(&self, windows: u64, events: u64) {
        self.all.records_dropped.add(windows);
        self.all.events_dropped.add(events);
        self.lost.add(windows + events);
    }
}
