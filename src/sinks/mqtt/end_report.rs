//! An end of the client that nobody asked for, and whom to tell. Filled by `ClientStage`; the pipeline names whom to tell once
//! there is anybody.

use std::sync::{Mutex, PoisonError};

use crate::sinks::{EndCallback, SinkEnd, SinkError};

/// Reports an end once there are both a cause and a callback.
pub(super) struct EndReport {
    sink: &'static str,
    ending: Mutex<Ending>,
}

#[derive(Default)]
struct Ending {
    callback: Option<EndCallback>,
    cause: Option<SinkError>,
}

impl EndReport {
    pub(super) fn new(sink: &'static str) -> Self {
        Self { sink, ending: Mutex::default() }
    }

    pub(super) fn give_up(&self, cause: SinkError) {
        self.change(|ending| ending.cause = Some(cause));
    }

    pub(super) fn set_callback(&self, callback: EndCallback) {
        self.change(|ending| ending.callback = Some(callback));
    }

    fn change(&self, change: impl FnOnce(&mut Ending)) {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut ending);
        if let Ending { callback: Some(callback), cause } = &mut *ending
            && let Some(cause) = cause.take()
        {
            callback(SinkEnd { sink: self.sink.to_owned(), cause });
        }
    }
}
