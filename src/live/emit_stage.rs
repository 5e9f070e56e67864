//! The thread `tympan-emit`: completes records and hands them over to the queue of every sink. Fed by the classify stage
//! and the supervisor, feeds the sinks.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::LiveError;
use super::StatusBoard;
use super::heard::{Closing, Outgoing, StageTimes};
use super::hurry::Hurry;
use crate::domain::{Record, StatusRecord, WindowRecord};
use crate::sinks::{SinkHandle, close_sinks};

/// Sees every window record as it is handed over, on the thread `tympan-emit`.
pub type WindowObserver = Box<dyn FnMut(&WindowRecord, StageTimes) + Send>;

/// The body of the thread.
pub(super) struct EmitStage {
    /// The very first record, once the source has started; nothing is handed over before it comes or never will.
    pub(super) opening: Receiver<StatusRecord>,
    pub(super) outgoing: Receiver<Outgoing>,
    /// Comes once all records but the last are in `outgoing`.
    pub(super) closing: Receiver<Closing>,
    pub(super) sinks: Vec<SinkHandle>,
    pub(super) board: Arc<StatusBoard>,
    pub(super) on_window: Option<WindowObserver>,
    pub(super) hurry: Hurry,
}

impl EmitStage {
    /// Works until the last record has come, then closes the sinks.
    pub(super) fn run(mut self) -> Result<(), LiveError> {
        if let Ok(first) = self.opening.recv() {
            self.hand_over(Record::Status(first));
        }
        let closing = self.emit_until_closing();
        while let Ok(outgoing) = self.outgoing.try_recv() {
            self.emit(outgoing);
        }
        if let Some(Closing { last, within }) = closing {
            self.hand_over(Record::Status(last));
            close_sinks(self.sinks, within);
        }
        Ok(())
    }

    /// Hands records over until the last one comes; nothing if the supervisor is gone.
    fn emit_until_closing(&mut self) -> Option<Closing> {
        loop {
            let mut either = Select::new();
            either.recv(&self.outgoing);
            let closing = either.recv(&self.closing);
            let came = either.ready();
            if came == closing {
                return self.closing.recv().ok();
            }
            match self.outgoing.try_recv() {
                Ok(outgoing) => self.emit(outgoing),
                Err(TryRecvError::Empty) => {}
                // All senders are gone; the last record may still come.
                Err(TryRecvError::Disconnected) => {
                    return self.closing.recv().ok();
                }
            }
        }
    }

    fn emit(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Other(record) => self.hand_over(record),
            Outgoing::Window { mut record, arrival, featured, scored } => {
                let handed_over = Instant::now();
                let latency = handed_over.saturating_duration_since(arrival);
                record.latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                if let Some(on_window) = &mut self.on_window {
                    on_window(&record, StageTimes { arrival, featured, scored, handed_over });
                }
                self.board.handed_over(&record, arrival);
                self.hand_over(Record::Window(record));
            }
        }
    }

    fn hand_over(&self, record: Record) {
        let record = Arc::new(record);
        for sink in &self.sinks {
            sink.offer_until(&record, self.hurry.signal());
        }
    }
}
