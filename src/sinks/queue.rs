//! The bounded queue before a sink. Filled by publishers through a `SinkHandle`, emptied by the sink's thread.
//!
//! One list keeps the order. Windows and all other records have permits of their own, so that windows never crowd out events. A
//! record keeps its permit until the sink has flushed it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::metrics::QueueLength;
use crate::domain::{Overflow, Published, Record};

/// How many records may wait for a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCapacity {
    /// Window records.
    pub windows: usize,
    /// Events, gaps and statuses.
    pub events: usize,
}

impl Default for QueueCapacity {
    /// 256 windows are some ten seconds; 4096 events are hours.
    fn default() -> Self {
        Self { windows: 256, events: 4096 }
    }
}

/// What became of a record that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// There was no room for it.
    Full,
    /// Nobody takes it any more.
    Closed,
}

/// What the consumer finds.
pub(super) enum Popped {
    Record(Arc<Published>),
    Empty,
    /// Nothing is left, and nothing will come.
    Closed,
}

/// Permits by class: one for each record that waits or is not flushed yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Permits {
    pub(super) windows: usize,
    pub(super) events: usize,
}

impl Permits {
    fn of_class(&mut self, record: &Record) -> &mut usize {
        match record {
            Record::Window(_) => &mut self.windows,
            Record::Event(_) | Record::Gap(_) | Record::Status(_) => &mut self.events,
        }
    }
}

/// A queue of records with two classes of permits.
#[derive(Debug)]
pub(super) struct BoundedQueue {
    capacity: QueueCapacity,
    state: Mutex<State>,
    /// Notified when the consumer has something to do.
    filled: Condvar,
    /// Notified when publishers have something to do.
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Arc<Published>>,
    /// Of records that wait and of those that have not been flushed.
    used: Permits,
    /// Nobody waits for room any more.
    is_cancelled: bool,
    /// Nothing more is taken.
    is_closed: bool,
}

impl QueueLength for BoundedQueue {
    fn records(&self) -> u64 {
        let Permits { windows, events } = self.used();
        (windows + events) as u64
    }
}

impl BoundedQueue {
    pub(super) fn new(capacity: QueueCapacity) -> Self {
        Self { capacity, state: Mutex::default(), filled: Condvar::new(), freed: Condvar::new() }
    }

    /// Adds a record; without room, waits for it or gives up, as `overflow` says.
    ///
    /// # Real time
    /// With [`Overflow::DropNewest`] it waits for the lock only, which is held for a few instructions.
    pub(super) fn push(&self, published: &Arc<Published>, overflow: Overflow) -> Pushed {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return Pushed::Closed;
            }
            let mut capacity =
                Permits { windows: self.capacity.windows, events: self.capacity.events };
            let capacity = *capacity.of_class(&published.record);
            let used = state.used.of_class(&published.record);
            if *used < capacity {
                *used += 1;
                break;
            }
            if overflow == Overflow::DropNewest || state.is_cancelled {
                return Pushed::Full;
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.records.push_back(Arc::clone(published));
        drop(state);
        self.filled.notify_one();
        Pushed::Queued
    }

    /// Adds the last records, for which there is always room, and takes nothing more.
    pub(super) fn close(&self, last: &[Arc<Published>]) {
        let mut state = self.lock();
        let last = if state.is_closed { &[] } else { last };
        for last in last {
            *state.used.of_class(&last.record) += 1;
            state.records.push_back(Arc::clone(last));
        }
        state.is_closed = true;
        drop(state);
        self.filled.notify_all();
        self.freed.notify_all();
    }

    /// From now on, whoever finds no room gives up.
    pub(super) fn cancel(&self) {
        self.lock().is_cancelled = true;
        self.freed.notify_all();
    }

    pub(super) fn try_pop(&self) -> Popped {
        Self::pop_from(&mut self.lock())
    }

    /// Waits until there is a record, or never will be.
    pub(super) fn pop(&self) -> Option<Arc<Published>> {
        let mut state = self.lock();
        loop {
            match Self::pop_from(&mut state) {
                Popped::Record(record) => return Some(record),
                Popped::Closed => return None,
                Popped::Empty => {
                    state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn pop_from(state: &mut State) -> Popped {
        match state.records.pop_front() {
            Some(record) => Popped::Record(record),
            None if state.is_closed => Popped::Closed,
            None => Popped::Empty,
        }
    }

    /// Waits until the queue takes nothing more, `timeout` at most; whether it does.
    pub(super) fn wait_closed(&self, timeout: Duration) -> bool {
        let waited = self.filled.wait_timeout_while(self.lock(), timeout, |state| !state.is_closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    /// Frees the permits of records that the sink has flushed.
    pub(super) fn free(&self, flushed: &[Arc<Published>]) {
        let mut state = self.lock();
        for published in flushed {
            *state.used.of_class(&published.record) -= 1;
        }
        drop(state);
        self.freed.notify_all();
    }

    /// Permits of records that were not flushed.
    pub(super) fn used(&self) -> Permits {
        self.lock().used
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::text_line::tests::{gap, window};

    #[test]
    fn windows_that_nobody_takes_leave_room_for_4096_events() {
        let queue = BoundedQueue::new(QueueCapacity::default());
        let count = |record: Record, times: usize| {
            let published = Arc::new(record.into());
            let push = |_: &usize| queue.push(&published, Overflow::DropNewest) == Pushed::Queued;
            (0..times).filter(push).count()
        };
        assert_eq!(count(window(), 10_000), 256);
        assert_eq!(count(gap(), 4_097), 4_096);
        assert_eq!(count(window(), 1), 0);
        assert_eq!((queue.used().windows, queue.used().events), (256, 4_096));
    }

    #[test]
    fn the_last_record_finds_room_in_a_full_queue_and_nothing_comes_after_it() {
        let queue = BoundedQueue::new(QueueCapacity { windows: 1, events: 1 });
        let [first, last] = [window(), gap()].map(|record| Arc::new(Published::from(record)));
        assert_eq!(queue.push(&last, Overflow::DropNewest), Pushed::Queued);
        assert_eq!(queue.push(&last, Overflow::DropNewest), Pushed::Full);
        queue.close(std::slice::from_ref(&last));
        assert_eq!(queue.push(&first, Overflow::Block), Pushed::Closed);
        assert!(queue.pop().is_some() && queue.pop().is_some() && queue.pop().is_none());
    }

    #[test]
    fn whoever_waits_for_room_gets_it_or_is_cancelled() {
        let queue = BoundedQueue::new(QueueCapacity { windows: 1, events: 1 });
        let record = Arc::new(Published::from(gap()));
        assert_eq!(queue.push(&record, Overflow::Block), Pushed::Queued);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.push(&record, Overflow::Block));
            queue.free(&[queue.pop().unwrap()]);
            assert_eq!(waiting.join().unwrap(), Pushed::Queued);
            let waiting = scope.spawn(|| queue.push(&record, Overflow::Block));
            queue.cancel();
            assert_eq!(waiting.join().unwrap(), Pushed::Full);
        });
    }
}
