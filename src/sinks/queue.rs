//! The bounded queue before each sink, and the handle that feeds it and closes it. Fed by whoever emits records.
//!
//! One channel keeps the order of hand-over; two stocks of permits, one for windows and one for everything else, bound
//! it, so that windows never crowd out events. The sink itself runs in a `SinkStage` on a thread of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, TryRecvError, bounded, never};

use super::sink_stage::{SinkEnd, SinkStage};
use super::{Sink, SinkError, SinkVitals};
use crate::domain::{Counters, Record};

/// How long a handle that is dropped waits for its sink; a shutdown has one second for everything.
const DROPPED_WAIT: Duration = Duration::from_millis(500);

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

/// What happens to a record that finds the queue full, and to a sink that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Live: the record is dropped and counted; a failing sink is tried again and again.
    DropAndCount,
    /// Offline: the caller waits for room, so nothing is lost; a sink that fails ends, for a wait could last for ever.
    Wait,
}

/// How a sink came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkClosed {
    /// Everything handed over was written and flushed.
    Drained,
    /// It had ended by itself; the [`SinkEnd`] that was sent says why.
    Ended,
    /// It was still busy when the time was up, and its thread was left behind.
    LeftBehind,
}

/// Permits to put a record of one kind into the queue.
struct Lane {
    room: Receiver<()>,
    capacity: usize,
}

impl Lane {
    fn new(capacity: usize) -> (Sender<()>, Self) {
        let (give_back, room) = bounded(capacity);
        for _ in 0..capacity {
            give_back.try_send(()).expect("invariant: the channel holds as many permits");
        }
        (give_back, Self { room, capacity })
    }

    /// Waits for a permit; without one when `patience` is disconnected first.
    fn wait(&self, patience: &Receiver<Infallible>) -> Result<(), TryRecvError> {
        let mut either = Select::new();
        either.recv(&self.room);
        either.recv(patience);
        // Whichever came: room that there is goes before an end of patience, and nobody else takes permits.
        either.ready();
        self.room.try_recv()
    }
}

/// Feeds one sink. Dropping it closes the sink and waits for it, half a second at most.
pub struct SinkHandle {
    takes_windows: bool,
    windows: Lane,
    events: Lane,
    when_full: WhenFull,
    vitals: Arc<SinkVitals>,
    /// `None` once closed.
    records: Option<Sender<Arc<Record>>>,
    /// Dropped to say that the end is near: a failing sink then stops trying.
    closing: Option<Sender<Infallible>>,
    done: Receiver<Infallible>,
    thread: Option<JoinHandle<SinkClosed>>,
}

/// Starts the thread `tympan-<name>` that writes to `sink` whatever the handle is offered.
///
/// A sink that ends by itself says so on `ended`, which needs room for one message of each sink.
///
/// # Errors
/// [`SinkError::Thread`] when the system has no thread left.
pub fn spawn_sink(
    sink: Box<dyn Sink>,
    capacity: QueueCapacity,
    when_full: WhenFull,
    counters: Arc<Counters>,
    ended: Sender<SinkEnd>,
) -> Result<SinkHandle, SinkError> {
    let takes_windows = sink.takes_windows();
    let vitals = Arc::new(SinkVitals::new(sink.name(), counters));
    let (windows_back, windows) = Lane::new(capacity.windows);
    let (events_back, events) = Lane::new(capacity.events);
    let (records, queued) = bounded(capacity.windows + capacity.events);
    let (closing, closed) = bounded(0);
    let (alive, done) = bounded(0);
    let stage = SinkStage {
        sink,
        records: queued,
        windows_back,
        events_back,
        unflushed: Vec::new(),
        closing: closed,
        when_full,
        vitals: Arc::clone(&vitals),
        ended,
        failing_since: None,
    };
    let thread = format!("tympan-{}", vitals.name());
    let thread = thread::Builder::new()
        .name(thread.clone())
        .spawn(move || {
            let outcome = stage.run();
            drop(alive);
            outcome
        })
        .map_err(|source| SinkError::Thread { thread, source })?;
    Ok(SinkHandle {
        takes_windows,
        windows,
        events,
        when_full,
        vitals,
        records: Some(records),
        closing: Some(closing),
        done,
        thread: Some(thread),
    })
}

impl SinkHandle {
    /// The sink's name.
    pub fn name(&self) -> &str {
        self.vitals.name()
    }

    /// How it fares.
    pub fn vitals(&self) -> Arc<SinkVitals> {
        Arc::clone(&self.vitals)
    }

    /// Hands `record` over, or drops and counts it, or waits: see [`WhenFull`]. Of a sink that has ended, does nothing.
    pub fn offer(&self, record: &Arc<Record>) {
        self.offer_until(record, &never());
    }

    /// As [`Self::offer`], but waits for room no longer than `patience` is connected; then the record is dropped and
    /// counted, so that a sink that blocks for ever cannot keep the program from ending.
    pub fn offer_until(&self, record: &Arc<Record>, patience: &Receiver<Infallible>) {
        let Some(records) = &self.records else { return };
        if !self.takes_windows && matches!(**record, Record::Window(_)) {
            return;
        }
        let lane = self.lane(record);
        let room = match self.when_full {
            WhenFull::Wait => lane.wait(patience),
            WhenFull::DropAndCount => lane.room.try_recv(),
        };
        match room {
            Ok(()) => {}
            Err(TryRecvError::Empty) => return self.vitals.lose(record),
            Err(TryRecvError::Disconnected) => return, // the sink has ended
        }
        // Never waits: there are as many permits as places. Fails only when the sink has ended.
        let _ = records.send(Arc::clone(record));
    }

    /// Lets the sink write all that was handed over, flush and end; waits for that until `deadline`, or for as long as
    /// it takes.
    pub fn close(mut self, deadline: Option<Instant>) -> SinkClosed {
        self.begin_close();
        self.finish(deadline)
    }

    fn lane(&self, record: &Record) -> &Lane {
        match record {
            Record::Window(_) => &self.windows,
            Record::Event(_) | Record::Gap(_) | Record::Status(_) => &self.events,
        }
    }

    fn begin_close(&mut self) {
        self.records = None;
        self.closing = None;
    }

    fn finish(&mut self, deadline: Option<Instant>) -> SinkClosed {
        let Some(thread) = self.thread.take() else { return SinkClosed::Ended };
        let waited = match deadline {
            Some(deadline) => self.done.recv_deadline(deadline).map(drop),
            None => self.done.recv().map(drop).map_err(|_| RecvTimeoutError::Disconnected),
        };
        if waited == Err(RecvTimeoutError::Timeout) {
            return self.leave_behind();
        }
        thread.join().unwrap_or_else(|_| {
            log::error!("the sink {} panicked; its last records are lost", self.name());
            SinkClosed::Ended
        })
    }

    /// Gives up on a sink that blocks: its thread is detached, and what waits for it is counted as dropped.
    fn leave_behind(&self) -> SinkClosed {
        let windows = self.windows.capacity - self.windows.room.len();
        let events = self.events.capacity - self.events.room.len();
        self.vitals.lose_counts(windows as u64, events as u64);
        log::warn!(
            "the sink {} is blocked and was left behind, with {windows} window records and {events} others unwritten",
            self.name()
        );
        SinkClosed::LeftBehind
    }
}

impl Drop for SinkHandle {
    fn drop(&mut self) {
        self.begin_close();
        self.finish(Some(Instant::now() + DROPPED_WAIT));
    }
}

/// Closes all sinks at once, so that they share the time they have: `within`, or as long as they take.
///
/// Tells of each how it ended, in the order given.
pub fn close_sinks(mut handles: Vec<SinkHandle>, within: Option<Duration>) -> Vec<SinkClosed> {
    let deadline = within.map(|within| Instant::now() + within);
    for handle in &mut handles {
        handle.begin_close();
    }
    handles.iter_mut().map(|handle| handle.finish(deadline)).collect()
}
