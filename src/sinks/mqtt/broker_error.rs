//! Why a broker gets nothing. Made by the client from what its library says, told once in the log and by `tympan doctor`.

use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};

use super::address::BrokerAddress;

/// A broker that cannot be reached, or does not behave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Nobody answers there.
    #[error(
        "cannot reach the broker at {address}; is it running, and may this machine connect to it?"
    )]
    Unreachable {
        /// Where it should be.
        address: BrokerAddress,
        /// The system's error.
        source: io::Error,
    },
    /// The encryption failed.
    #[error(
        "cannot encrypt the connection to {address}; its certificate must be for this name, and ca_file must hold the \
         authority that signed it"
    )]
    Tls {
        /// The broker.
        address: BrokerAddress,
        /// What is wrong.
        source: io::Error,
    },
    /// It did not answer in time.
    #[error(
        "the broker at {address} does not answer; is it a broker of MQTT, and is tls set as it wants?"
    )]
    Silent {
        /// The broker.
        address: BrokerAddress,
    },
    /// User or password are wrong, or missing.
    #[error(
        "the broker at {address} refuses this user; mend username and password_file in [output.mqtt]"
    )]
    Credentials {
        /// The broker.
        address: BrokerAddress,
    },
    /// It does not take this client, for a reason of its own.
    #[error("the broker at {address} refuses the connection: {reason}")]
    Refused {
        /// The broker.
        address: BrokerAddress,
        /// Its answer.
        reason: String,
    },
    /// It hung up.
    #[error(
        "the broker at {address} closed the connection; another client may use the name {client_id:?} (client_id in \
         [output.mqtt]), or it stopped"
    )]
    HungUp {
        /// The broker.
        address: BrokerAddress,
        /// The client's name.
        client_id: String,
    },
    /// It takes messages and says nothing.
    #[error("the broker at {address} takes messages and acknowledges none")]
    NoAcknowledgement {
        /// The broker.
        address: BrokerAddress,
    },
    /// What it sends is not MQTT, or too much of it.
    #[error("the broker at {address} sends what is not MQTT 3.1.1: {reason}")]
    Protocol {
        /// The broker.
        address: BrokerAddress,
        /// What is wrong with it.
        reason: String,
    },
}

impl BrokerError {
    /// In the words of a person, what ended a connection to `address` of the client with this name.
    pub(super) fn new(address: &BrokerAddress, client_id: &str, error: ConnectionError) -> Self {
        let address = address.clone();
        match error {
            ConnectionError::Io(source) | ConnectionError::MqttState(StateError::Io(source)) => {
                Self::of_io(address, client_id, source)
            }
            ConnectionError::MqttState(StateError::ConnectionAborted)
            | ConnectionError::RequestsDone => {
                Self::HungUp { address, client_id: client_id.to_owned() }
            }
            ConnectionError::NetworkTimeout
            | ConnectionError::FlushTimeout
            | ConnectionError::MqttState(StateError::AwaitPingResp) => Self::Silent { address },
            ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            ) => Self::Credentials { address },
            ConnectionError::ConnectionRefused(code) => {
                Self::Refused { address, reason: format!("{code:?}") }
            }
            other => Self::Protocol { address, reason: other.to_string() },
        }
    }

    fn of_io(address: BrokerAddress, client_id: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => {
                Self::HungUp { address, client_id: client_id.to_owned() }
            }
            io::ErrorKind::InvalidData => Self::Tls { address, source },
            io::ErrorKind::TimedOut => Self::Silent { address },
            _ => Self::Unreachable { address, source },
        }
    }
}
