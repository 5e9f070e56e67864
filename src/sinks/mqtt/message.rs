//! One message for a broker. Made from records by `RetainedStates` and `discovery`, kept by `Outgoing`.

/// What the broker gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) delivery: Delivery,
}

/// How long a message is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Something that happened: kept until the broker has acknowledged it. The broker does not retain it.
    Every,
    /// How something stands: only the newest of a topic is of use, and the broker retains it.
    Newest,
}

impl Message {
    pub(super) fn every(topic: String, payload: String) -> Self {
        Self { topic, payload, delivery: Delivery::Every }
    }

    pub(super) fn newest(topic: String, payload: impl Into<String>) -> Self {
        Self { topic, payload: payload.into(), delivery: Delivery::Newest }
    }
}
