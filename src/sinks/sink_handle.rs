//! What publishers hold of a sink that may block: its queue, and its thread to be ended. The sink itself runs in a `SinkStage`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::queue::{BoundedQueue, Permits, Pushed};
use super::sink_stage::SinkStage;
use super::{Outlet, QueueCapacity, Sink, SinkClosed, SinkEnd, SinkError, SinkMetrics};
use crate::domain::{OutputCounters, Overflow, Published, Record};

/// How long a handle that is dropped waits for its sink; a shutdown has one second for everything.
const DROPPED_WAIT: Duration = Duration::from_millis(500);

/// Feeds one sink. Dropping it closes the sink and waits for it, half a second at most.
pub struct SinkHandle {
    takes_windows: bool,
    queue: Arc<BoundedQueue>,
    metrics: Arc<SinkMetrics>,
    done: Receiver<Infallible>,
    /// `None` once it was joined or left behind.
    thread: Mutex<Option<JoinHandle<SinkClosed>>>,
}

/// Starts the thread `tympan-<name>` that writes to `sink` whatever the handle is given.
///
/// With [`Overflow::Block`] a sink that fails ends; otherwise it is tried again. A sink that ends by itself says so on `ended`,
/// which needs room for one message of each sink.
///
/// # Errors
/// [`SinkError::Thread`] when the system has no thread left.
pub fn spawn_sink<E: From<SinkEnd> + Send + 'static>(
    sink: Box<dyn Sink>,
    capacity: QueueCapacity,
    overflow: Overflow,
    counters: Arc<OutputCounters>,
    ended: Sender<E>,
) -> Result<SinkHandle, SinkError> {
    let takes_windows = sink.takes_windows();
    let queue = Arc::new(BoundedQueue::new(capacity));
    let metrics =
        SinkMetrics::new(sink.name(), counters).with_queue(Arc::<BoundedQueue>::clone(&queue));
    let metrics = Arc::new(metrics);
    let (alive, done) = bounded(0);
    let stage = SinkStage::new(sink, Arc::clone(&queue), overflow, Arc::clone(&metrics), ended);
    let thread = format!("tympan-{}", metrics.name());
    let thread = thread::Builder::new()
        .name(thread.clone())
        .spawn(move || {
            let outcome = stage.run();
            drop(alive);
            outcome
        })
        .map_err(|source| SinkError::Thread { thread, source })?;
    Ok(SinkHandle { takes_windows, queue, metrics, done, thread: Mutex::new(Some(thread)) })
}

impl SinkHandle {
    /// Gives up on a sink that blocks: its thread is detached, and what waits for it is counted as dropped.
    fn leave_behind(&self) -> SinkClosed {
        let Permits { windows, events } = self.queue.used();
        self.metrics.count_dropped_by_class(windows as u64, events as u64);
        log::warn!(
            "the sink {} is blocked and was left behind, with {windows} window records and {events} others unwritten",
            self.metrics.name()
        );
        SinkClosed::LeftBehind
    }
}

impl Outlet for SinkHandle {
    fn metrics(&self) -> &Arc<SinkMetrics> {
        &self.metrics
    }

    fn publish(&self, published: &Arc<Published>, overflow: Overflow) {
        if !self.takes_windows && matches!(published.record, Record::Window(_)) {
            return;
        }
        // what a sink that has ended would have got is no loss: nobody wants it
        if self.queue.push(published, overflow) == Pushed::Full {
            self.metrics.count_dropped(&published.record);
        }
    }

    fn cancel(&self) {
        self.queue.cancel();
    }

    fn begin_close(&self, last: &[Arc<Published>]) {
        self.queue.close(last);
    }

    fn done(&self) -> &Receiver<Infallible> {
        &self.done
    }

    fn finish(&self) -> SinkClosed {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return SinkClosed::Ended };
        if !self.ends_by(Instant::now()) {
            return self.leave_behind();
        }
        thread.join().unwrap_or_else(|_| {
            log::error!("the sink {} panicked; its last records are lost", self.metrics.name());
            SinkClosed::Ended
        })
    }
}

impl Drop for SinkHandle {
    fn drop(&mut self) {
        self.begin_close(&[]);
        self.ends_by(Instant::now() + DROPPED_WAIT);
        self.finish();
    }
}
