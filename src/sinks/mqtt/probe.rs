//! Whether a broker takes this daemon's user, tried once. Asked by `tympan doctor`, on its thread.

use tokio::runtime::Builder;

use super::broker_error::BrokerError;
use super::connection::{Connection, Received};
use super::spec::MqttSpec;
use crate::sinks::SinkError;

/// Connects and says goodbye, under a client's name of its own, so that it disturbs no daemon. Sends no message.
///
/// # Errors
/// [`SinkError::Broker`]: why the broker cannot be used.
pub fn probe_broker(spec: &MqttSpec) -> Result<(), SinkError> {
    let no_runtime = |source| SinkError::Thread { thread: "tympan-mqtt".to_owned(), source };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    let client_id = format!("tympan-{:08x}", rand::random::<u32>());
    let greeted = runtime.block_on(async {
        let mut connection = Connection::open(spec, &client_id, None);
        loop {
            match connection.next().await {
                Received::Connected => break,
                Received::Ended(error) => {
                    return Err(BrokerError::new(&spec.address, &client_id, error));
                }
                Received::Message { .. } => {}
            }
        }
        if connection.client.disconnect().await.is_ok() {
            while !matches!(connection.next().await, Received::Ended(_)) {}
        }
        Ok(())
    });
    // a name server may hang for longer than anybody waits
    runtime.shutdown_background();
    greeted.map_err(SinkError::Broker)
}
