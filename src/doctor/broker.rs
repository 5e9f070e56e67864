//! The broker of MQTT: whether it answers, and takes this daemon's user. Tried once; makes a finding.

use super::Finding;
use crate::sinks::{MqttSpec, probe_broker};

const CHECK: &str = "broker";

/// One attempt to connect; it takes ten seconds at most.
pub fn broker_finding(spec: &MqttSpec) -> Finding {
    let address = &spec.address;
    let encrypted = if spec.tls.is_some() { ", encrypted" } else { "" };
    match probe_broker(spec) {
        Ok(()) => Finding::ok(CHECK, format!("{address} takes the connection{encrypted}")),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|it| format!(": {it}"));
            let found = format!("{error}{}", cause.unwrap_or_default());
            let advice = format!(
                "mosquitto_pub -h {} -p {} -t test -m x tries it without tympan; tympan goes on without a broker, and keeps \
                 events for it",
                address.host, address.port
            );
            Finding::warning(CHECK, found, advice)
        }
    }
}
