//! Messages for a broker of MQTT, and what Home Assistant has to know to show them. The client runs on `tympan-mqtt`; topics,
//! payloads, discovery and the queue are pure.

mod address;
mod broker_error;
mod client_stage;
mod connection;
mod discovery;
mod end_report;
mod levels;
mod message;
mod mqtt_sink;
mod outgoing;
mod probe;
mod retained_states;
mod retry;
mod segment;
mod shared;
mod spec;
mod tls;
mod topics;

pub use address::BrokerAddress;
pub use broker_error::BrokerError;
pub use mqtt_sink::MqttSink;
pub use probe::probe_broker;
pub use retry::MqttTimes;
pub use spec::{MqttSpec, Password};
pub use tls::TlsRoots;
