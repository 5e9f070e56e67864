//! A broker of MQTT that dies and comes back, and a subscriber that keeps the names of the events it receives.

#[path = "../it/sinks/mqtt/bare_subscriber.rs"]
mod bare_subscriber;
#[path = "../it/sinks/mqtt/gate.rs"]
mod gate;
#[path = "../it/sinks/mqtt/mosquitto.rs"]
#[expect(dead_code, reason = "another test program uses all of it")]
mod mosquitto;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use tympan::domain::{LabelSet, Overflow};
use tympan::sinks::{MqttSpec, MqttTimes};

use super::wait_until;
use bare_subscriber::BareSubscriber;
use gate::Gate;
use mosquitto::{Memory, Mosquitto};

pub struct Broker {
    mosquitto: Mosquitto,
    gate: Gate,
    subscriber: BareSubscriber,
}

impl Broker {
    /// None where mosquitto is not installed, which is said.
    pub fn start() -> Option<Self> {
        let settings = |_: &std::path::Path| "allow_anonymous true\n".to_owned();
        let mosquitto = Mosquitto::start_with(Memory::Persistent, settings)?;
        let subscriber = BareSubscriber::of(mosquitto.port);
        let gate = Gate::to(mosquitto.port);
        wait_until("the subscriber", || subscriber.is_subscribed());
        gate.is_open.set(true);
        Some(Self { mosquitto, gate, subscriber })
    }

    /// The daemon's client of this broker, with an entity for each input.
    pub fn spec(&self, sources: &[&str], labels: &LabelSet) -> MqttSpec {
        MqttSpec {
            address: format!("127.0.0.1:{}", self.gate.port).parse().unwrap(),
            tls: None,
            username: None,
            password: None,
            client_id: "tympan-soak".to_owned(),
            topic: "tympan/test".to_owned(),
            discovery_prefix: Some("homeassistant".to_owned()),
            sources: sources.iter().map(|&source| source.to_owned()).collect(),
            model: "esc50".to_owned(),
            labels: labels.clone(),
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

    /// Takes it away for so long. What it has acknowledged is its own to keep, and it does so when it ends in order.
    pub fn die(&mut self, away: Duration) {
        self.gate.is_open.set(false);
        self.mosquitto.stop();
        wait_until("the end of the broker", || !self.subscriber.is_subscribed());
        std::thread::sleep(away);
        self.mosquitto.restart();
        wait_until("the subscriber's return", || self.subscriber.is_subscribed());
        self.gate.is_open.set(true);
        wait_until("the daemon's return", || self.gate.clients() > 0);
    }

    /// Id and phase of every event that the subscriber has received.
    pub fn events(&self) -> BTreeSet<(u64, String)> {
        self.subscriber.events().into_iter().map(|(_, id, phase)| (id, phase)).collect()
    }

    /// How many they are.
    pub fn event_count(&self) -> usize {
        self.subscriber.event_count()
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
