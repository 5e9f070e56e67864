//! A sink's metrics: how many records it dropped, whether it fails, whether it is stuck. Written by its thread and by
//! publishers, read by the status and the watchdog.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::domain::{Counter, OutputCounters, Record};

/// A write that takes longer is a stall: even a disk that has to spin up answers sooner, or comes close.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// One sink's counts and state.
#[derive(Debug)]
pub struct SinkMetrics {
    name: String,
    all: Arc<OutputCounters>,
    dropped: Counter,
    begun: Counter,
    ended: Counter,
    is_failing: AtomicBool,
    created: Instant,
    /// When the last attempt began, in milliseconds since then.
    begun_ms: AtomicU64,
    /// What waits for it, if it has a queue.
    queue: Option<Arc<dyn QueueLength>>,
}

/// What waits before an output.
pub(super) trait QueueLength: Debug + Send + Sync {
    /// Records that wait, or are not delivered yet.
    fn records(&self) -> u64;
}

impl SinkMetrics {
    pub(super) fn new(name: &str, all: Arc<OutputCounters>) -> Self {
        Self {
            name: name.to_owned(),
            all,
            dropped: Counter::default(),
            begun: Counter::default(),
            ended: Counter::default(),
            is_failing: AtomicBool::new(false),
            created: Instant::now(),
            begun_ms: AtomicU64::new(0),
            queue: None,
        }
    }

    /// Of a sink that has this queue.
    pub(super) fn with_queue(self, queue: Arc<dyn QueueLength>) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records that were dropped because it could not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Records that wait for it, or for its next flush.
    pub fn queued(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.records())
    }

    /// Whether its last attempt failed; it is tried again.
    pub fn is_failing(&self) -> bool {
        // Relaxed: the flag guards no other memory.
        self.is_failing.load(Ordering::Relaxed)
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

    pub(super) fn set_failing(&self, is_failing: bool) {
        // Relaxed: see `is_failing`.
        self.is_failing.store(is_failing, Ordering::Relaxed);
    }

    pub(super) fn count_dropped(&self, record: &Record) {
        match record {
            Record::Window(_) => self.count_dropped_by_class(1, 0),
            Record::Event(_) | Record::Gap(_) | Record::Status(_) => {
                self.count_dropped_by_class(0, 1);
            }
        }
    }

    pub(super) fn count_dropped_by_class(&self, windows: u64, events: u64) {
        self.all.records_dropped.add(windows);
        self.all.events_dropped.add(events);
        self.dropped.add(windows + events);
    }
}
