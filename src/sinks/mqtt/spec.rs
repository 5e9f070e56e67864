//! Which broker the client connects to, and what it sends. Made by `assembly` from `[output.mqtt]`.

use std::fmt;
use std::sync::Arc;

use super::address::BrokerAddress;
use super::retry::MqttTimes;
use super::tls::TlsRoots;
use crate::domain::{LabelSet, Overflow};

/// A secret; its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The longest that MQTT has room for.
    pub const MAX_BYTES: usize = 65_535;

    /// A password as it stands in its file: the line feed at its end is not of it. None if nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let is_good = (1..=Self::MAX_BYTES).contains(&text.len());
        is_good.then(|| Self(text.to_owned()))
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// One broker, and what it gets.
#[derive(Debug, Clone)]
pub struct MqttSpec {
    /// Where the broker listens.
    pub address: BrokerAddress,
    /// Whom to trust; without it, the connection is not encrypted.
    pub tls: Option<TlsRoots>,
    /// The user's name, if the broker asks for one.
    pub username: Option<String>,
    /// The password, if the broker asks for one.
    pub password: Option<Password>,
    /// The client's name, which no other client of the broker may have.
    pub client_id: String,
    /// The topic that all others begin with.
    pub topic: String,
    /// What the topics of Home Assistant's discovery begin with; none: nothing is announced.
    pub discovery_prefix: Option<String>,
    /// The names of the sources, as records have them.
    pub sources: Vec<String>,
    /// The model's name.
    pub model: String,
    /// The model's labels.
    pub labels: LabelSet,
    /// Labels that have a topic and an entity of their own.
    pub label_states: Vec<String>,
    /// How patient the client is.
    pub times: MqttTimes,
    /// Records that may wait for the broker.
    pub capacity: usize,
    /// What happens when more would, and when the broker fails.
    pub overflow: Overflow,
}

impl MqttSpec {
    /// 4096 records are the events of hours.
    pub const CAPACITY: usize = 4_096;

    /// Those of `label_states` that the model has.
    pub(super) fn watched(&self, labels: &LabelSet) -> Vec<Arc<str>> {
        let is_watched = |label: &&Arc<str>| self.label_states.iter().any(|it| **it == ***label);
        labels.iter().filter(is_watched).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_keeps_its_spaces_and_is_never_shown() {
        let password = Password::new(" se cret \n").unwrap();
        assert_eq!(password.secret(), " se cret ");
        assert!(!format!("{password:?}").contains("cret"));
        assert_eq!(Password::new("\n"), None);
    }
}
