//! The output that a broker of MQTT gets. Fed by whoever publishes, on their threads; the broker is served on `tympan-mqtt`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use tokio::runtime::Builder;

use super::client_stage::ClientStage;
use super::discovery::Discovery;
use super::end_report::EndReport;
use super::outgoing::Outgoing;
use super::retained_states::RetainedStates;
use super::shared::Shared;
use super::spec::MqttSpec;
use super::topics::Topics;
use crate::domain::{LabelSet, OutputCounters, Overflow, Published, Record};
use crate::sinks::{EndCallback, Outlet, SinkClosed, SinkError, SinkMetrics};

const THREAD: &str = "tympan-mqtt";
/// What logs and `tympan status` call it.
const NAME: &str = "mqtt";
/// Threads that ask for the broker's address. Each may hang for as long as a name server does, so that few are enough.
const LOOKUP_THREADS: usize = 2;
/// Half of the second that a shutdown has for everything.
const DROPPED_WAIT: Duration = Duration::from_millis(500);

/// Sends records to a broker, each until the broker has acknowledged it, and keeps the topics of states up to date there.
///
/// Publishers never wait for the broker. What the broker does not take waits here, up to the limit of records; then it is dropped
/// and counted. Where everybody waits for room, a broker that fails ends the daemon, as every output that fails does.
pub struct MqttSink {
    spec: MqttSpec,
    shared: Arc<Shared>,
    metrics: Arc<SinkMetrics>,
    report: Arc<EndReport>,
    done: Receiver<Infallible>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl MqttSink {
    /// Starts the thread that connects to the broker; whether there is one shows later.
    ///
    /// # Errors
    /// [`SinkError::Thread`] when the thread cannot start.
    pub fn open(spec: MqttSpec, counters: Arc<OutputCounters>) -> Result<Self, SinkError> {
        let no_thread = |source| SinkError::Thread { thread: THREAD.to_owned(), source };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(LOOKUP_THREADS)
            .thread_name(THREAD)
            .build()
            .map_err(no_thread)?;
        let run = format!("{:016x}", rand::random::<u64>());
        let states = RetainedStates::new(
            run,
            &spec.sources,
            topics(&spec, &spec.labels),
            spec.watched(&spec.labels),
        );
        let discovery = spec.discovery_prefix.clone().map(|prefix| {
            let labels = spec.labels.iter().cloned().collect();
            Discovery::new(prefix, spec.sources.clone(), spec.model.clone(), labels)
        });
        let shared = Arc::new(Shared::new(Outgoing::new(spec.capacity), states, discovery));
        let metrics = SinkMetrics::new(NAME, counters).with_queue(Arc::<Shared>::clone(&shared));
        let metrics = Arc::new(metrics);
        let report = Arc::new(EndReport::new(NAME));
        let stage = ClientStage {
            spec: spec.clone(),
            shared: Arc::clone(&shared),
            metrics: Arc::clone(&metrics),
            report: Arc::clone(&report),
        };
        let (alive, done) = bounded(0);
        let (of_thread, dropped) = (Arc::clone(&shared), Arc::clone(&metrics));
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || {
                // however the client ends, what it left is counted, and nobody waits for room any more
                let ending = CountsTheRest { shared: of_thread, metrics: dropped };
                runtime.block_on(stage.run());
                // a name server may hang for longer than anybody waits
                runtime.shutdown_background();
                drop((ending, alive));
            })
            .map_err(no_thread)?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { spec, shared, metrics, report, done, thread })
    }
}

/// Ends the queue when it is dropped.
struct CountsTheRest {
    shared: Arc<Shared>,
    metrics: Arc<SinkMetrics>,
}

impl Drop for CountsTheRest {
    fn drop(&mut self) {
        count_the_rest(&self.shared, &self.metrics);
    }
}

/// Takes nothing more, and counts what is not delivered; once.
fn count_the_rest(shared: &Shared, metrics: &SinkMetrics) {
    let mut state = shared.lock();
    if std::mem::replace(&mut state.has_ended, true) {
        return;
    }
    let left = state.outgoing.records();
    drop(state);
    shared.room.notify_all();
    if left > 0 {
        metrics.count_dropped_by_class(0, left as u64);
        log::warn!(
            "the sink {NAME} ended with {left} records that the broker has not acknowledged"
        );
    }
}

fn topics(spec: &MqttSpec, labels: &LabelSet) -> Topics {
    let labels: Vec<_> = labels.iter().collect();
    Topics::new(&spec.topic, &spec.sources, &labels)
}

impl Outlet for MqttSink {
    fn metrics(&self) -> &Arc<SinkMetrics> {
        &self.metrics
    }

    fn publish(&self, published: &Arc<Published>, overflow: Overflow) {
        let record = &published.record;
        let mut state = self.shared.lock();
        if let Record::Window(window) = record {
            return state.levels.add(window);
        }
        while !state.outgoing.has_room() && !state.has_ended {
            if overflow == Overflow::DropNewest || state.is_cancelled {
                // how things stand is known all the same
                let messages = state.states.apply(record);
                let is_connected = state.is_connected;
                state.outgoing.push_states(messages, is_connected);
                return self.metrics.count_dropped(record);
            }
            state = self.shared.wait(state);
        }
        if state.has_ended {
            return;
        }
        let messages = state.states.apply(record);
        let is_connected = state.is_connected;
        state.outgoing.push(messages, is_connected);
        drop(state);
        self.shared.work.notify_one();
    }

    fn cancel(&self) {
        self.shared.lock().is_cancelled = true;
        self.shared.room.notify_all();
    }

    fn on_end(&self, callback: EndCallback) {
        self.report.set_callback(callback);
    }

    fn model_changed(&self, model: &str, labels: &LabelSet) {
        let topics = topics(&self.spec, labels);
        let watched = self.spec.watched(labels);
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        if let Some(discovery) = &mut state.discovery {
            let labels = labels.iter().cloned().collect();
            let before = (state.states.topics(), state.states.watched());
            discovery.replace_model(model, labels, before, (&topics, &watched));
        }
        state.states.replace_labels(topics, watched);
        state.announce();
        drop(guard);
        self.shared.work.notify_one();
    }

    fn begin_close(&self, last: &[Arc<Published>]) {
        let mut state = self.shared.lock();
        if state.is_closing || state.has_ended {
            return;
        }
        for last in last {
            let messages = state.states.apply(&last.record);
            let is_connected = state.is_connected;
            state.outgoing.push(messages, is_connected);
        }
        state.close();
        state.is_cancelled = true;
        drop(state);
        self.shared.room.notify_all();
        self.shared.work.notify_one();
    }

    fn done(&self) -> &Receiver<Infallible> {
        &self.done
    }

    fn finish(&self) -> SinkClosed {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return SinkClosed::Ended };
        if !self.ends_by(Instant::now()) {
            count_the_rest(&self.shared, &self.metrics);
            return SinkClosed::LeftBehind;
        }
        let is_drained = self.shared.lock().outgoing.records() == 0;
        match thread.join() {
            Ok(()) if is_drained => SinkClosed::Drained,
            Ok(()) => SinkClosed::Ended,
            Err(_) => {
                log::error!("the thread {THREAD} panicked");
                SinkClosed::Ended
            }
        }
    }
}

impl Drop for MqttSink {
    fn drop(&mut self) {
        self.begin_close(&[]);
        self.ends_by(Instant::now() + DROPPED_WAIT);
        self.finish();
    }
}
