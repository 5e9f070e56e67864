//! The one queue to the emit stage. Filled by the classify stage and, with statuses, by the supervisor.
//!
//! One channel keeps the order. A window enters only while fewer than [`WINDOWS_WAITING`] records wait; the other
//! places are left to events, gaps and statuses, so that windows never crowd those out. Only the classify stage sends
//! windows, so nobody takes a place between its look at the queue and its sending.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::heard::Outgoing;
use crate::domain::Counters;
use crate::sinks::WhenFull;

/// 256 windows are some ten seconds; 4096 events are hours.
const WINDOWS_WAITING: usize = 256;
const EVENTS_WAITING: usize = 4096;

/// The end that fills the queue.
#[derive(Clone)]
pub(super) struct RecordSender {
    queue: Sender<Outgoing>,
    when_full: WhenFull,
    counters: Arc<Counters>,
}

pub(super) fn record_queue(
    when_full: WhenFull,
    counters: Arc<Counters>,
) -> (RecordSender, Receiver<Outgoing>) {
    let (queue, outgoing) = bounded(WINDOWS_WAITING + EVENTS_WAITING);
    (RecordSender { queue, when_full, counters }, outgoing)
}

impl RecordSender {
    /// Sends, or drops and counts, or waits for room. Of an emit stage that has ended, does nothing: it has told why.
    pub(super) fn send(&self, outgoing: Outgoing) {
        match self.when_full {
            WhenFull::Wait => {
                let _ = self.queue.send(outgoing);
            }
            WhenFull::DropAndCount => self.send_now(outgoing),
        }
    }

    /// Sends, or drops and counts; never waits. For the supervisor, who must not.
    pub(super) fn send_now(&self, outgoing: Outgoing) {
        let crowded = self.queue.len() >= WINDOWS_WAITING;
        if matches!(outgoing, Outgoing::Window { .. }) && crowded {
            self.counters.records_dropped.add(1);
            return;
        }
        if let Err(TrySendError::Full(lost)) = self.queue.try_send(outgoing) {
            match lost {
                Outgoing::Window { .. } => self.counters.records_dropped.add(1),
                Outgoing::Other(_) => self.counters.events_dropped.add(1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::domain::{GapCause, GapRecord, Record, SampleIndex, WindowRecord};

    fn window() -> Outgoing {
        let now = Instant::now();
        let record = WindowRecord {
            time: jiff::Timestamp::UNIX_EPOCH,
            source: "mic".into(),
            start_sample: SampleIndex(0),
            end_sample: SampleIndex(1),
            scores: Default::default(),
            level_dbfs: -20.0,
            padded_samples: 0,
            is_vetoed: false,
            latency_us: 0,
        };
        Outgoing::Window { record, arrival: now, featured: now, scored: now }
    }

    fn gap(start: u64) -> Outgoing {
        Outgoing::Other(Record::Gap(GapRecord {
            time: jiff::Timestamp::UNIX_EPOCH,
            source: "mic".into(),
            start_sample: SampleIndex(start),
            samples: 1,
            cause: GapCause::Overrun,
        }))
    }

    #[test]
    fn windows_that_nobody_takes_leave_room_for_4096_events() {
        let counters = Arc::new(Counters::default());
        let (sender, outgoing) = record_queue(WhenFull::DropAndCount, Arc::clone(&counters));
        for _ in 0..10_000 {
            sender.send(window());
        }
        for start in 0..4_097 {
            sender.send(gap(start));
        }
        sender.send(window());
        let windows = outgoing.try_iter().filter(|out| matches!(out, Outgoing::Window { .. }));
        assert_eq!(windows.count(), 256);
        assert_eq!(counters.records_dropped.get(), 10_000 - 256 + 1);
        assert_eq!(counters.events_dropped.get(), 1);
    }
}
