//! What the tasks of all connections share: the ring of lines, the latest status, who is let in. Filled by whoever publishes, read
//! by the clients' tasks on `tympan-clients`.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, oneshot};
use tokio::time::{Instant, sleep};

use super::admission::{Admission, Refusal};
use super::client::{Client, Line};
use super::demand::{Demand, DemandCounts};
use super::spec::StatusReport;
use crate::domain::OutputCounters;
use crate::protocol::Token;

/// Accepting fails when descriptors run out, and goes on failing until some client leaves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The ring of lines and the latest status, always changed together under the status's lock.
pub(super) struct Broadcast {
    /// `None` once the sink has ended.
    pub(super) lines: Option<broadcast::Sender<Line>>,
    /// Sent first to a client that joins, so that it knows state and sample rate.
    pub(super) status: Option<Line>,
    /// Dropped when the sink ends.
    pub(super) ending: Option<oneshot::Sender<()>>,
}

/// What the tasks of all connections share.
pub(super) struct Shared {
    pub(super) broadcast: Arc<Mutex<Broadcast>>,
    pub(super) counters: Arc<OutputCounters>,
    pub(super) demand: Arc<DemandCounts>,
    pub(super) status: StatusReport,
    pub(super) patience: Duration,
    pub(super) admission: Mutex<Admission>,
}

impl Shared {
    /// A client that reads from here on, and the status that it gets first; none once the sink has ended.
    pub(super) fn new_client(&self) -> Option<(Client, Option<Line>)> {
        let (lines, first) = {
            let broadcast = self.broadcast.lock().unwrap_or_else(PoisonError::into_inner);
            (broadcast.lines.as_ref()?.subscribe(), broadcast.status.clone())
        };
        let (status, counters) = (Arc::clone(&self.status), Arc::clone(&self.counters));
        let demand = Demand::new(Arc::clone(&self.demand));
        Some((Client::new(lines, status, counters, demand, self.patience), first))
    }

    /// How many read the ring of lines.
    pub(super) fn clients(&self) -> usize {
        let broadcast = self.broadcast.lock().unwrap_or_else(PoisonError::into_inner);
        broadcast.lines.as_ref().map_or(0, broadcast::Sender::receiver_count)
    }

    pub(super) fn check_token(
        &self,
        guess: &str,
        from: IpAddr,
        token: &Token,
    ) -> Result<(), Refusal> {
        let (mut admission, now) = (self.admission(), Instant::now());
        if !admission.may_guess(from, now) {
            return Err(Refusal::TooManyGuesses);
        }
        if !token.matches(guess) {
            return Err(Refusal::WrongToken);
        }
        admission.authenticated(from, now);
        Ok(())
    }

    /// What was accepted; after a failure, nothing and a pause.
    pub(super) async fn accepted<T>(&self, accepted: io::Result<T>) -> Option<T> {
        match accepted {
            Ok(accepted) => Some(accepted),
            Err(error) => {
                let is_first = self.admission().accepting_failed(Instant::now());
                if is_first {
                    log::warn!("cannot accept clients: {error}");
                }
                sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    pub(super) fn refuse(&self, refusal: Refusal, from: Option<IpAddr>) {
        self.admission().refuse(refusal, from, Instant::now());
    }

    pub(super) fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
