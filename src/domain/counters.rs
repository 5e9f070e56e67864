//! What happens when a queue is full, and counts of what was processed and dropped: a set an input, and one for the outputs.
//! Shared by the stages that count, read by status records and tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// What happens to an item that finds a queue full, and to an output that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Live: the item is dropped and counted; a failing output is tried again and again.
    DropNewest,
    /// Offline: the caller waits for room, so nothing is lost; an output that fails ends, for a wait could last for ever.
    Block,
}

/// A number that several threads add to.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `amount`.
    ///
    /// # Real time
    /// One atomic add: no allocation, no lock.
    pub fn add(&self, amount: u64) {
        // Relaxed: the count guards no other memory; a reader needs the value alone.
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        // Relaxed: see `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// What one input counts, from its source to its scores. Each loss has its own name.
#[derive(Debug, Default)]
pub struct InputCounters {
    /// Samples (of one channel, after downmixing) that a source delivered, kept or not.
    pub samples_captured: Counter,
    /// Samples dropped because the ring was full.
    pub samples_dropped: Counter,
    /// Samples that were not finite or absurdly large and were replaced.
    pub samples_repaired: Counter,
    /// Overruns that the audio driver reported.
    pub driver_overruns: Counter,
    /// Windows scored.
    pub windows_scored: Counter,
    /// Windows skipped because the classifier was still busy.
    pub windows_skipped: Counter,
    /// Streams of lost devices that hang in their driver for ever, with their threads and descriptors.
    pub streams_left_behind: Counter,
}

impl InputCounters {
    /// Each count with the name of its field, in their order.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("samples_captured", self.samples_captured.get()),
            ("samples_dropped", self.samples_dropped.get()),
            ("samples_repaired", self.samples_repaired.get()),
            ("driver_overruns", self.driver_overruns.get()),
            ("windows_scored", self.windows_scored.get()),
            ("windows_skipped", self.windows_skipped.get()),
            ("streams_left_behind", self.streams_left_behind.get()),
        ]
    }
}

/// What the outputs of a daemon count, all of them together. Each loss has its own name.
#[derive(Debug, Default)]
pub struct OutputCounters {
    /// Window records dropped because a sink was behind.
    pub records_dropped: Counter,
    /// Events, gaps and statuses dropped; never in practice.
    pub events_dropped: Counter,
    /// Records that slow socket clients missed.
    pub client_records_dropped: Counter,
    /// Rotated log files deleted to stay below the cap.
    pub logs_deleted: Counter,
    /// Clips deleted for their age, to stay below the cap, or because a power cut left them unfinished.
    pub clips_deleted: Counter,
    /// Connections refused: no or a wrong token, or no place left.
    pub clients_refused: Counter,
}

impl OutputCounters {
    /// Each count with the name of its field, in their order.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("records_dropped", self.records_dropped.get()),
            ("events_dropped", self.events_dropped.get()),
            ("client_records_dropped", self.client_records_dropped.get()),
            ("logs_deleted", self.logs_deleted.get()),
            ("clips_deleted", self.clips_deleted.get()),
            ("clients_refused", self.clients_refused.get()),
        ]
    }
}
