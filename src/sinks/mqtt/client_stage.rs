//! The body of the thread `tympan-mqtt`: connects, hands over what waits, counts acknowledgements, and begins again when the
//! broker fails. Fed by `MqttSink`, through what both share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{PublishNoticeError, PublishOptions, PublishResult, QoS, SubscribeFilter};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};

use super::broker_error::BrokerError;
use super::connection::{Connection, Received};
use super::end_report::EndReport;
use super::message::{Delivery, Message};
use super::outgoing::Ticket;
use super::retry::Backoff;
use super::shared::{OFFLINE, ONLINE, Shared};
use super::spec::MqttSpec;
use crate::domain::Overflow;
use crate::sinks::error::chain;
use crate::sinks::{SinkError, SinkMetrics};

/// From one level to the next.
const LEVEL_INTERVAL: Duration = Duration::from_secs(10);
/// How long a broker that is not connected is tried once there is nothing more to come. Whoever waits for the end of a
/// daemon waits shorter.
const LAST_ATTEMPT: Duration = Duration::from_secs(5);
/// How long it may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

/// Serves one broker.
pub(super) struct ClientStage {
    pub(super) spec: MqttSpec,
    pub(super) shared: Arc<Shared>,
    pub(super) metrics: Arc<SinkMetrics>,
    pub(super) report: Arc<EndReport>,
}

/// What came of one message.
type Acknowledged = (Ticket, Result<PublishResult, PublishNoticeError>);

/// Failures since the broker was last well.
struct Failures {
    backoff: Backoff,
    /// What has been logged of them.
    reported: BTreeSet<String>,
    /// How many records had been dropped when they began.
    dropped_before: u64,
}

/// How far a connection has come.
struct Progress {
    /// When it counts as a success; none before it has begun, and after.
    settled_at: Option<Instant>,
    /// When the broker acknowledged last, or had nothing to acknowledge.
    acknowledged: Instant,
    /// When announcements are due again.
    announce_at: Option<Instant>,
    has_acknowledged: bool,
}

impl ClientStage {
    /// Serves until all is delivered that there ever will be, or the end has come.
    pub(super) async fn run(self) {
        let backoff = Backoff::new(self.spec.times);
        let mut failures = Failures { backoff, reported: BTreeSet::new(), dropped_before: 0 };
        while let Err(error) = self.serve(&mut failures).await {
            let is_closing = {
                let mut state = self.shared.lock();
                state.is_connected = false;
                state.is_closing
            };
            if self.spec.overflow == Overflow::Block {
                self.report.give_up(SinkError::Broker(error));
                return;
            }
            self.log_failure(&error, &mut failures);
            if is_closing {
                return;
            }
            let pause = failures.backoff.pause(rand::random());
            tokio::select! {
                () = sleep(pause) => {}
                () = self.closing() => return,
            }
        }
    }

    /// One connection, to its end; an error unless the end was asked for.
    async fn serve(&self, failures: &mut Failures) -> Result<(), BrokerError> {
        let will = (self.shared.lock().states.topics().status(), OFFLINE);
        let mut connection = Connection::open(&self.spec, &self.spec.client_id, Some(will));
        if !self.greeted(&mut connection).await? {
            return Ok(());
        }
        let mut subscribing = self.subscribe(&connection);
        let mut is_subscribed = false;
        let now = Instant::now();
        let mut progress = Progress {
            settled_at: Some(now + self.spec.times.settled_after),
            acknowledged: now,
            announce_at: None,
            has_acknowledged: false,
        };
        let mut acknowledgements = JoinSet::new();
        let mut levels = interval_at(now + LEVEL_INTERVAL, LEVEL_INTERVAL);
        levels.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // what is announced replaces what the broker retains, and that is to be seen first
            if !is_subscribed && subscribing.is_empty() {
                is_subscribed = true;
                self.shared.lock().connected();
            }
            if is_subscribed && self.hand_over(&connection, &mut acknowledgements) {
                return self.say_goodbye(connection).await;
            }
            let is_in_flight = self.shared.lock().outgoing.is_in_flight();
            let is_waiting = is_in_flight || !is_subscribed;
            if !is_waiting {
                progress.acknowledged = Instant::now();
            }
            let unacknowledged = progress.acknowledged + self.spec.times.acknowledged_within;
            tokio::select! {
                received = connection.next() => self.received(received, &mut progress)?,
                Some(Ok((ticket, result))) = acknowledgements.join_next() => {
                    self.acknowledged(ticket, &result, &mut progress);
                }
                Some(_) = subscribing.join_next() => {}
                () = self.shared.work.notified() => {}
                () = until(progress.announce_at) => {
                    progress.announce_at = None;
                    self.shared.lock().announce();
                }
                () = until(progress.settled_at), if progress.has_acknowledged => {
                    progress.settled_at = None;
                    self.log_recovery(failures);
                }
                _ = levels.tick() => self.send_levels(&connection),
                () = sleep_until(unacknowledged), if is_waiting => {
                    let address = self.spec.address.clone();
                    return Err(BrokerError::NoAcknowledgement { address });
                }
            }
        }
    }

    /// Waits for the broker's greeting; false if the end has come before.
    async fn greeted(&self, connection: &mut Connection) -> Result<bool, BrokerError> {
        let end = async {
            self.closing().await;
            sleep(LAST_ATTEMPT).await;
        };
        tokio::select! {
            received = connection.next() => match received {
                Received::Ended(error) => Err(self.error(error)),
                // nothing else comes before the greeting
                Received::Connected | Received::Message { .. } => Ok(true),
            },
            () = end => Ok(false),
        }
    }

    /// Asks for word of Home Assistant's start, and for what the broker retains of this daemon. Empty once it is granted, or
    /// refused, which changes nothing for the rest.
    fn subscribe(&self, connection: &Connection) -> JoinSet<()> {
        let mut subscribing = JoinSet::new();
        let state = self.shared.lock();
        let Some(discovery) = &state.discovery else { return subscribing };
        let mut topics = discovery.config_topics(state.states.topics());
        topics.push(discovery.birth_topic());
        let filters = topics.into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
        if let Ok(notice) = connection.client.try_subscribe_many_tracked(filters) {
            subscribing.spawn(async move { drop(notice.wait_async().await) });
        }
        subscribing
    }

    /// Hands over what the broker has room for; whether all is done and the end has come.
    fn hand_over(&self, connection: &Connection, tasks: &mut JoinSet<Acknowledged>) -> bool {
        let mut state = self.shared.lock();
        while let Some((ticket, message)) = state.outgoing.take() {
            let Message { topic, payload, delivery } = message;
            let options = PublishOptions::at_least_once().retain(*delivery == Delivery::Newest);
            let sent = connection.client.try_publish_tracked(&**topic, &**payload, options);
            // without a place in the library it counts as sent and never acknowledged: a new connection sends it again
            let notice = sent.ok();
            tasks.spawn(async move {
                match notice {
                    Some(notice) => (ticket, notice.wait_async().await),
                    None => (ticket, Err(PublishNoticeError::Recv)),
                }
            });
        }
        state.is_closing && state.outgoing.is_empty()
    }

    fn received(&self, received: Received, progress: &mut Progress) -> Result<(), BrokerError> {
        match received {
            Received::Connected => Ok(()),
            Received::Ended(error) => Err(self.error(error)),
            Received::Message { topic, payload, is_retained } => {
                let mut guard = self.shared.lock();
                let state = &mut *guard;
                let Some(discovery) = &mut state.discovery else { return Ok(()) };
                let (topics, watched) = (state.states.topics(), state.states.watched());
                if topic == discovery.birth_topic() {
                    if payload == ONLINE.as_bytes() {
                        let spread = self.spec.times.announced_within.mul_f64(rand::random());
                        progress.announce_at = Some(Instant::now() + spread);
                    }
                // not what another daemon of this topic sends now: the two would answer each other for ever
                } else if is_retained && discovery.found_retained(&payload, topics, watched) {
                    state.announce();
                }
                Ok(())
            }
        }
    }

    fn acknowledged(
        &self,
        ticket: Ticket,
        result: &Result<PublishResult, PublishNoticeError>,
        progress: &mut Progress,
    ) {
        // without an acknowledgement the connection ends, and says why
        if result.is_err() {
            return;
        }
        progress.acknowledged = Instant::now();
        progress.has_acknowledged = true;
        self.shared.lock().outgoing.acknowledge(ticket);
        self.shared.room.notify_all();
    }

    fn send_levels(&self, connection: &Connection) {
        let levels = {
            let mut guard = self.shared.lock();
            let state = &mut *guard;
            state.levels.take(state.states.topics())
        };
        for (topic, payload) in levels {
            // the next one comes soon
            let _ = connection.client.try_publish(topic, payload, PublishOptions::at_most_once());
        }
    }

    /// Ends the connection as the broker expects it, so that it says nothing in the place of this client.
    async fn say_goodbye(&self, mut connection: Connection) -> Result<(), BrokerError> {
        let goodbye = async {
            if connection.client.disconnect().await.is_ok() {
                while !matches!(connection.next().await, Received::Ended(_)) {}
            }
        };
        // all is acknowledged; a broker that is too slow for this says offline itself, as it was asked to
        let _ = timeout(GOODBYE, goodbye).await;
        Ok(())
    }

    async fn closing(&self) {
        while !self.shared.lock().is_closing {
            self.shared.work.notified().await;
        }
    }

    fn error(&self, error: rumqttc::ConnectionError) -> BrokerError {
        BrokerError::new(&self.spec.address, &self.spec.client_id, error)
    }

    /// Tells each reason once, until the broker is well again.
    fn log_failure(&self, error: &BrokerError, failures: &mut Failures) {
        if failures.reported.is_empty() {
            failures.dropped_before = self.metrics.dropped();
        }
        self.metrics.set_failing(true);
        let reason = chain(error);
        if failures.reported.insert(reason.clone()) {
            log::warn!("the sink {} fails and is tried again: {reason}", self.metrics.name());
        }
    }

    fn log_recovery(&self, failures: &mut Failures) {
        failures.backoff.reset();
        if failures.reported.is_empty() {
            return;
        }
        failures.reported.clear();
        self.metrics.set_failing(false);
        let dropped = self.metrics.dropped() - failures.dropped_before;
        log::info!("the sink {} works again; {dropped} records were dropped", self.metrics.name());
    }
}

/// Waits for ever without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
