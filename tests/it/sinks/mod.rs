//! The sinks as their users meet them: queues, log file, sockets and a broker of MQTT, each in a module; records to feed them here.

mod clips;
mod command;
mod journal;
mod log_file;
mod mqtt;
mod queue;
mod sockets;
mod under_fire;
mod web;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tympan::domain::{
    EventPhase, EventRecord, LabelScore, Overflow, Published, Record, SampleIndex, SampleRate,
    State, StatusRecord, WindowRecord,
};
use tympan::protocol::{DaemonStatus, LatencyStatus};
use tympan::sinks::{Outlet, SinkClosed};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn second(second: i64) -> Timestamp {
    "2026-01-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// The onset of event `id`, `id` seconds after noon.
fn event(id: u64) -> Record {
    Record::Event(EventRecord {
        phase: EventPhase::Onset { score: 0.75, verifier_score: None },
        id,
        label: "dog".into(),
        time: second(i64::try_from(id).unwrap()),
        source: "mic".into(),
        start_sample: SampleIndex(id * 48_000),
    })
}

/// The window that ends `index` seconds after noon.
fn window(index: u64) -> Record {
    Record::Window(WindowRecord {
        time: second(i64::try_from(index).unwrap()),
        source: "mic".into(),
        start_sample: SampleIndex(index * 48_000),
        end_sample: SampleIndex(index * 48_000 + 48_000),
        scores: vec![LabelScore { label: "dog".into(), score: 0.5 }].into(),
        level_dbfs: -20.0,
        padded_samples: 0,
        latency_us: 400,
        reasons: Vec::new(),
    })
}

fn status(detail: impl Into<String>) -> Record {
    Record::Status(StatusRecord {
        time: second(0),
        source: "mic".into(),
        state: State::Listening,
        detail: detail.into(),
        sample_rate_hz: SampleRate::new(48_000).unwrap(),
    })
}

fn shared(record: Record) -> Arc<Published> {
    Arc::new(record.into())
}

fn publish(outlet: &dyn Outlet, record: Record) {
    outlet.publish(&shared(record), Overflow::DropNewest);
}

/// Closes all of them at the same time, and says of each how it ended.
fn close_all(outlets: &[&dyn Outlet], within: Duration) -> Vec<SinkClosed> {
    let deadline = Instant::now() + within;
    outlets.iter().for_each(|outlet| outlet.begin_close(&[]));
    let close = |outlet: &&dyn Outlet| {
        outlet.ends_by(deadline);
        outlet.finish()
    };
    outlets.iter().map(close).collect()
}

/// What a daemon says of itself.
fn daemon_status() -> DaemonStatus {
    let time = second(0);
    DaemonStatus {
        time,
        version: "0.1.0".to_owned(),
        process: 1,
        started: time,
        up_s: 0,
        cpu_s: 0.0,
        state: State::Listening,
        detail: "ready".to_owned(),
        since: time,
        state_s: 0,
        device: "a device".to_owned(),
        sample_rate_hz: SampleRate::new(48_000).unwrap(),
        model: "esc50".to_owned(),
        level_dbfs: None,
        counters: BTreeMap::new(),
        latency: LatencyStatus::default(),
        sinks: Vec::new(),
        inputs: Vec::new(),
        reload: None,
    }
}

/// Reads the two lines that every client gets first.
fn read_greeting(client: &mut impl BufRead) {
    for kind in ["hello", "status"] {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"type\":\"{kind}\"")), "{kind}: {line}");
    }
}

/// The numbers of the events in JSON `lines`, in order.
fn event_ids(lines: &str) -> Vec<u64> {
    lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|line| line["id"].as_u64())
        .collect()
}

/// Waits until `met`, which must happen soon.
fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
