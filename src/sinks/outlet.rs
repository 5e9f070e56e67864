//! What publishers see of an output: somewhere to put a record. Called on `tympan-classify` and by the supervisor.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{SinkClosed, SinkEnd, SinkMetrics};
use crate::domain::{LabelSet, LiveRecord, Overflow, Published};

/// Called with the cause when an output ends before it was closed.
pub type EndCallback = Box<dyn Fn(SinkEnd) + Send + Sync>;

/// Takes records. Implemented by a [`SinkHandle`](super::SinkHandle), which puts them into the queue of a sink, and by outputs
/// that never block and need no queue of their own.
pub trait Outlet: Send + Sync {
    /// How the output fares, by its name.
    fn metrics(&self) -> &Arc<SinkMetrics>;

    /// Takes a record. Where there is no room for it, `overflow` decides: it is dropped and counted, or this call waits.
    ///
    /// # Real time
    /// With [`Overflow::DropNewest`] it never waits for the output.
    fn publish(&self, published: &Arc<Published>, overflow: Overflow);

    /// What somebody who reads this output asks for; nothing else is made on request.
    fn live_demand(&self) -> LiveDemand {
        LiveDemand::default()
    }

    /// Takes a record that was made on request. Never waits.
    fn publish_live(&self, _record: &LiveRecord) {}

    /// Names whom to tell if it ends by itself. For outputs that were opened before there was anybody to tell.
    fn on_end(&self, _callback: EndCallback) {}

    /// Another model is in use from now on, with these labels.
    fn model_changed(&self, _model: &str, _labels: &LabelSet) {}

    /// From now on nobody waits for room any more: what finds none is dropped and counted.
    fn cancel(&self);

    /// Takes the last records, even where there is no room left, and lets the output end once it has written all of it. What
    /// comes later is passed over.
    fn begin_close(&self, last: &[Arc<Published>]);

    /// Disconnected once the output has ended.
    fn done(&self) -> &Receiver<Infallible>;

    /// Joins an output that has ended; leaves one behind that has not, and counts what it has not written.
    fn finish(&self) -> SinkClosed;

    /// Whether the output ends until `deadline`.
    fn ends_by(&self, deadline: Instant) -> bool {
        self.done().recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected)
    }
}

/// Which records are asked for that are made on request only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveDemand {
    /// [`LiveRecord::Level`].
    pub levels: bool,
    /// [`LiveRecord::Mel`].
    pub mel: bool,
    /// [`LiveRecord::Window`], with reasons.
    pub reasons: bool,
}

/// All outputs of a daemon, for whoever publishes.
pub struct Fanout {
    outlets: Vec<Box<dyn Outlet>>,
    overflow: Overflow,
}

impl Fanout {
    /// Publishes to all of `outlets`, in their order.
    pub fn new(outlets: Vec<Box<dyn Outlet>>, overflow: Overflow) -> Self {
        Self { outlets, overflow }
    }

    /// How each output fares, in their order.
    pub fn metrics(&self) -> Vec<Arc<SinkMetrics>> {
        self.outlets.iter().map(|outlet| Arc::clone(outlet.metrics())).collect()
    }

    /// Hands a record to every output. Where everybody waits, waits for those that have no room.
    pub fn publish(&self, published: Published) {
        self.publish_with(published, self.overflow);
    }

    /// As [`Self::publish`], but never waits. For the supervisor, which must not.
    pub fn try_publish(&self, published: Published) {
        self.publish_with(published, Overflow::DropNewest);
    }

    fn publish_with(&self, published: Published, overflow: Overflow) {
        let published = Arc::new(published);
        for outlet in &self.outlets {
            outlet.publish(&published, overflow);
        }
    }

    /// What is asked for at any output.
    pub fn live_demand(&self) -> LiveDemand {
        self.outlets.iter().map(|outlet| outlet.live_demand()).fold(
            LiveDemand::default(),
            |a, b| LiveDemand {
                levels: a.levels || b.levels,
                mel: a.mel || b.mel,
                reasons: a.reasons || b.reasons,
            },
        )
    }

    /// Hands a record that was made on request to whoever asked.
    pub fn publish_live(&self, record: &LiveRecord) {
        self.outlets.iter().for_each(|outlet| outlet.publish_live(record));
    }

    /// Another model is in use from now on, with these labels.
    pub fn model_changed(&self, model: &str, labels: &LabelSet) {
        self.outlets.iter().for_each(|outlet| outlet.model_changed(model, labels));
    }

    /// From now on nobody waits for room any more.
    pub fn cancel(&self) {
        self.outlets.iter().for_each(|outlet| outlet.cancel());
    }

    /// Hands the last records to every output, and lets all of them end at the same time.
    pub fn begin_close(&self, last: Vec<Published>) {
        let last: Vec<_> = last.into_iter().map(Arc::new).collect();
        self.outlets.iter().for_each(|outlet| outlet.begin_close(&last));
    }

    /// Whether all outputs end within this time.
    pub fn end_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        self.outlets.iter().all(|outlet| outlet.ends_by(deadline))
    }

    /// Joins the outputs that have ended and leaves the others behind.
    pub fn finish(&self) {
        for outlet in &self.outlets {
            outlet.finish();
        }
    }
}
