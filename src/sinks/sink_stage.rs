//! The body of a sink's thread: takes records from the queue, writes them, flushes when idle, backs off when it fails.
//!
//! Fed by a `SinkHandle`; runs on `tympan-stdout`, `tympan-logfile` or `tympan-socket`.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::{Sink, SinkClosed, SinkError, SinkVitals, WhenFull};
use crate::domain::Record;

/// Short enough that a hiccup is not noticed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Long enough that a disk that stays full costs nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Records written between two flushes while more are waiting: few enough to lose, enough to make a burst cheap.
const RECORDS_PER_FLUSH: usize = 64;

/// Word of a sink that has ended before it was closed.
#[derive(Debug)]
pub struct SinkEnd {
    /// The sink's name.
    pub sink: String,
    /// [`SinkError::Closed`] when nobody reads any more; otherwise why it was given up.
    pub cause: SinkError,
}

/// One sink and the receiving end of its queue.
pub(super) struct SinkStage {
    pub(super) sink: Box<dyn Sink>,
    pub(super) records: Receiver<Arc<Record>>,
    pub(super) windows_back: Sender<()>,
    pub(super) events_back: Sender<()>,
    /// Handed to the sink since it was last flushed.
    pub(super) unflushed: Vec<Arc<Record>>,
    /// Disconnected once the sink is to end.
    pub(super) closing: Receiver<Infallible>,
    pub(super) when_full: WhenFull,
    pub(super) vitals: Arc<SinkVitals>,
    pub(super) ended: Sender<SinkEnd>,
    /// While the sink fails: how many records were lost when that began.
    pub(super) failing_since: Option<u64>,
}

impl SinkStage {
    /// Writes until the queue is closed and empty, or the sink has ended.
    pub(super) fn run(mut self) -> SinkClosed {
        let Err(cause) = self.write_until_closed() else { return SinkClosed::Drained };
        if !matches!(cause, SinkError::Closed) {
            for record in self.unflushed.drain(..).chain(self.records.try_iter()) {
                self.vitals.lose(&record);
            }
        }
        let sink = self.sink.name().to_owned();
        log::debug!("the sink {sink} ended: {}", chain(&cause));
        // A full channel already holds word of an end, and one is as good as another.
        let _ = self.ended.try_send(SinkEnd { sink, cause });
        SinkClosed::Ended
    }

    fn write_until_closed(&mut self) -> Result<(), SinkError> {
        loop {
            let record = match self.records.try_recv() {
                Ok(record) => record,
                Err(TryRecvError::Disconnected) => return self.flush(),
                Err(TryRecvError::Empty) => {
                    // Idle: what was written shows at once.
                    self.flush()?;
                    match self.records.recv() {
                        Ok(record) => record,
                        Err(_) => return Ok(()),
                    }
                }
            };
            self.unflushed.push(Arc::clone(&record));
            self.insist(|sink| sink.write(&record))?;
            if self.unflushed.len() >= RECORDS_PER_FLUSH {
                self.flush()?;
            }
        }
    }

    /// Flushes the sink; only then are its records safe, and only then is their room in the queue given back.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.insist(|sink| sink.flush())?;
        for record in self.unflushed.drain(..) {
            let lane = match *record {
                Record::Window(_) => &self.windows_back,
                Record::Event(_) | Record::Gap(_) | Record::Status(_) => &self.events_back,
            };
            // The handle may be gone; then nobody needs the room.
            let _ = lane.try_send(());
        }
        Ok(())
    }

    /// Repeats `attempt` until it succeeds, with growing pauses. The queue fills meanwhile, and no other sink notices.
    fn insist(
        &mut self,
        mut attempt: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.vitals.attempt(|| attempt(&mut *self.sink)) {
                Ok(()) => {
                    self.tell_of_recovery();
                    return Ok(());
                }
                Err(error) => error,
            };
            let closing = matches!(self.closing.try_recv(), Err(TryRecvError::Disconnected));
            if matches!(error, SinkError::Closed) || closing || self.when_full == WhenFull::Wait {
                return Err(error);
            }
            self.tell_of_failure(&error);
            // Returns early when the sink is to end: then one last attempt is made.
            let _ = self.closing.recv_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell_of_failure(&mut self, error: &SinkError) {
        if self.failing_since.is_none() {
            self.vitals.set_fails(true);
            self.failing_since = Some(self.vitals.lost());
            log::warn!("the sink {} fails and is tried again: {}", self.sink.name(), chain(error));
        }
    }

    fn tell_of_recovery(&mut self) {
        if let Some(before) = self.failing_since.take() {
            self.vitals.set_fails(false);
            let lost = self.vitals.lost() - before;
            log::info!("the sink {} works again; {lost} records were dropped", self.sink.name());
        }
    }
}

/// An error and its sources on one line, as the log wants it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
