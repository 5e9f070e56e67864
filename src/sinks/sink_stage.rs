//! The body of a sink's thread: takes records from the queue, writes them, flushes when idle, backs off when it fails.
//!
//! Fed by a `SinkHandle`; runs on `tympan-stdout`, `tympan-logfile` or `tympan-clips`.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::error::chain;
use super::queue::{BoundedQueue, Popped};
use super::{Sink, SinkClosed, SinkEnd, SinkError, SinkMetrics};
use crate::domain::{Overflow, Published};

/// Short enough that a hiccup is not noticed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Long enough that a disk that stays full costs nothing.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Records written between two flushes while more are waiting: few enough to lose, enough to make a burst cheap.
const RECORDS_PER_FLUSH: usize = 64;

/// One sink and the receiving end of its queue.
pub(super) struct SinkStage<E> {
    sink: Box<dyn Sink>,
    queue: Arc<BoundedQueue>,
    /// Handed to the sink since it was last flushed.
    unflushed: Vec<Arc<Published>>,
    overflow: Overflow,
    metrics: Arc<SinkMetrics>,
    ended: Sender<E>,
    /// While the sink fails: how many records had been dropped when that began.
    failing_since: Option<u64>,
}

impl<E: From<SinkEnd>> SinkStage<E> {
    pub(super) fn new(
        sink: Box<dyn Sink>,
        queue: Arc<BoundedQueue>,
        overflow: Overflow,
        metrics: Arc<SinkMetrics>,
        ended: Sender<E>,
    ) -> Self {
        Self { sink, queue, unflushed: Vec::new(), overflow, metrics, ended, failing_since: None }
    }

    /// Writes until the queue is closed and empty, or the sink has ended.
    pub(super) fn run(mut self) -> SinkClosed {
        let Err(cause) = self.write_until_closed() else { return SinkClosed::Drained };
        self.queue.close(&[]);
        if !matches!(cause, SinkError::Closed) {
            for published in self.unflushed.drain(..) {
                self.metrics.count_dropped(&published.record);
            }
            while let Popped::Record(published) = self.queue.try_pop() {
                self.metrics.count_dropped(&published.record);
            }
        }
        let sink = self.sink.name().to_owned();
        log::debug!("the sink {sink} ended: {}", chain(&cause));
        // A full channel already holds word of an end, and one is as good as another.
        let _ = self.ended.try_send(SinkEnd { sink, cause }.into());
        SinkClosed::Ended
    }

    fn write_until_closed(&mut self) -> Result<(), SinkError> {
        loop {
            let published = match self.queue.try_pop() {
                Popped::Record(published) => published,
                Popped::Closed => return self.flush(),
                Popped::Empty => {
                    // Idle: what was written shows at once.
                    self.flush()?;
                    match self.queue.pop() {
                        Some(published) => published,
                        None => return Ok(()),
                    }
                }
            };
            self.unflushed.push(Arc::clone(&published));
            self.retry_with_backoff(|sink| sink.write(&published))?;
            if self.unflushed.len() >= RECORDS_PER_FLUSH {
                self.flush()?;
            }
        }
    }

    /// Flushes the sink; only then are its records safe, and only then is their room in the queue given back.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.retry_with_backoff(|sink| sink.flush())?;
        if !self.unflushed.is_empty() {
            self.queue.free(&self.unflushed);
            self.unflushed.clear();
        }
        Ok(())
    }

    /// Repeats `attempt` until it succeeds, with growing pauses. The queue fills meanwhile, and no other sink notices.
    fn retry_with_backoff(
        &mut self,
        mut attempt: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.metrics.attempt(|| attempt(&mut *self.sink)) {
                Ok(()) => {
                    self.log_recovery();
                    return Ok(());
                }
                Err(error) => error,
            };
            let is_closing = self.queue.wait_closed(Duration::ZERO);
            if matches!(error, SinkError::Closed) || is_closing || self.overflow == Overflow::Block
            {
                return Err(error);
            }
            self.log_failure(&error);
            // Returns early when the sink is to end: then one last attempt is made.
            self.queue.wait_closed(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    fn log_failure(&mut self, error: &SinkError) {
        if self.failing_since.is_none() {
            self.metrics.set_failing(true);
            self.failing_since = Some(self.metrics.dropped());
            log::warn!("the sink {} fails and is tried again: {}", self.sink.name(), chain(error));
        }
    }

    fn log_recovery(&mut self) {
        if let Some(before) = self.failing_since.take() {
            self.metrics.set_failing(false);
            let dropped = self.metrics.dropped() - before;
            log::info!("the sink {} works again; {dropped} records were dropped", self.sink.name());
        }
    }
}

impl<E> Drop for SinkStage<E> {
    /// However the thread ends, nobody waits for room in its queue any more.
    fn drop(&mut self) {
        self.queue.close(&[]);
    }
}
