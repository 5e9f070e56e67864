//! The client of a broker of MQTT: against a real one that is killed and started, against one that misbehaves, and what Home
//! Assistant gets.

mod bare_subscriber;
mod endurance;
mod fake_broker;
mod gate;
mod home_assistant;
mod misbehaviour;
mod mosquitto;
mod security;
mod subscriber;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tympan::domain::{EventPhase, EventRecord, LabelSet, Overflow, Record, SampleIndex};
use tympan::sinks::{MqttSink, MqttSpec, MqttTimes};

use super::{PATIENCE, second};

/// A client of this name, of a broker at this port, that tries again soon.
fn spec(port: u16) -> MqttSpec {
    MqttSpec {
        address: format!("127.0.0.1:{port}").parse().unwrap(),
        tls: None,
        username: None,
        password: None,
        client_id: "tympan-test".to_owned(),
        topic: "tympan/test".to_owned(),
        discovery_prefix: None,
        sources: vec!["mic".to_owned()],
        model: "esc50".to_owned(),
        labels: LabelSet::new(&["dog", "church bells"]).unwrap(),
        label_states: vec!["dog".to_owned()],
        times: MqttTimes {
            first_pause: Duration::from_millis(20),
            longest_pause: Duration::from_millis(100),
            settled_after: Duration::from_millis(50),
            ..MqttTimes::default()
        },
        capacity: MqttSpec::CAPACITY,
        overflow: Overflow::DropNewest,
    }
}

fn open(spec: MqttSpec) -> MqttSink {
    MqttSink::open(spec, Arc::default()).unwrap()
}

/// The end of event `id`.
fn offset(id: u64) -> Record {
    let Record::Event(onset) = super::event(id) else { unreachable!() };
    let end_sample = SampleIndex(onset.start_sample.0 + 24_000);
    Record::Event(EventRecord {
        phase: EventPhase::Offset { end_sample, peak_score: 0.875 },
        time: second(i64::try_from(id).unwrap() + 1),
        ..onset
    })
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for what has to come.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < 3 * PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
