//! One connection to a broker: name, TCP, encryption, greeting. Opened by `ClientStage` and by the probe, on their runtimes.

use std::io;
use std::time::Duration;

use rumqttc::{
    AsyncClient, Broker, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions,
    Packet, QoS,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::address::BrokerAddress;
use super::spec::MqttSpec;
use super::tls::TlsRoots;

/// A broker answers within milliseconds; a name server may need seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A broker that is gone without a word is noticed after twice this at most, and tells so of this client after 1.5 times.
const KEEP_ALIVE_S: u16 = 30;
/// What the daemon has announced itself may come back: the labels of the largest model. Nothing else of size is asked for.
const MAX_INCOMING_BYTES: usize = 4 << 20;
/// The same with an entity for each label.
const MAX_OUTGOING_BYTES: usize = 16 << 20;
/// Requests that the library takes before it has sent any, beside those of each source: more than are ever handed over at once.
const REQUESTS: usize = 64;
/// A level.
const REQUESTS_OF_SOURCE: usize = 1;

/// What comes of a connection.
pub(super) enum Received {
    /// The broker has greeted.
    Connected,
    /// A message of a topic that was subscribed to; retained: it was sent before that.
    Message { topic: String, payload: Vec<u8>, is_retained: bool },
    /// It is over.
    Ended(ConnectionError),
}

/// A connection that is opened, or is being opened. Closed when it is dropped, without a word to the broker.
pub(super) struct Connection {
    pub(super) client: AsyncClient,
    received: mpsc::Receiver<Received>,
    /// Ends with the connection.
    _polling: JoinSet<()>,
}

impl Connection {
    /// Begins to open a connection; has to be called within a runtime. `will`: what the broker says of this client when it is
    /// gone without a word, and where.
    pub(super) fn open(spec: &MqttSpec, client_id: &str, will: Option<(String, &str)>) -> Self {
        let broker = Broker::tcp(&spec.address.host, spec.address.port);
        let mut options = MqttOptions::new(client_id, broker);
        options.set_clean_session(true);
        options.set_keep_alive(KEEP_ALIVE_S);
        options.set_max_packet_size(MAX_INCOMING_BYTES, MAX_OUTGOING_BYTES);
        let requests = REQUESTS + REQUESTS_OF_SOURCE * spec.sources.len();
        options.set_request_channel_capacity(requests);
        match (&spec.username, &spec.password) {
            (Some(user), Some(password)) => {
                let password = password.secret().as_bytes().to_vec();
                options.set_credentials(user.clone(), password);
            }
            (Some(user), None) => {
                options.set_username(user.clone());
            }
            (None, _) => {}
        }
        if let Some((topic, word)) = will {
            options.set_last_will(LastWill::new(topic, word, QoS::AtLeastOnce, true));
        }
        let (address, tls) = (spec.address.clone(), spec.tls.clone());
        options.set_socket_connector(move |_, _| connect(address.clone(), tls.clone()));
        let (client, mut event_loop) = AsyncClient::builder(options).build();
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
        event_loop.set_network_options(network);
        let (sender, received) = mpsc::channel(REQUESTS);
        let mut polling = JoinSet::new();
        polling.spawn(poll(event_loop, sender));
        Self { client, received, _polling: polling }
    }

    /// What comes next. Nothing is lost when the caller stops waiting.
    pub(super) async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap_or(Received::Ended(ConnectionError::RequestsDone))
    }
}

/// Runs in a task of its own, because the library may not be interrupted while it writes.
async fn poll(mut event_loop: EventLoop, sender: mpsc::Sender<Received>) {
    loop {
        let received = match event_loop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Received::Connected,
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let (payload, is_retained) = (publish.payload.to_vec(), publish.retain);
                Received::Message { topic, payload, is_retained }
            }
            Ok(_) => continue,
            Err(error) => Received::Ended(error),
        };
        let is_over = matches!(received, Received::Ended(_));
        if sender.send(received).await.is_err() || is_over {
            return;
        }
    }
}

/// Both kinds of streams.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

async fn connect(address: BrokerAddress, tls: Option<TlsRoots>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect((&*address.host, address.port)).await?;
    // an onset is small, and is not to wait for the answer to what was sent before
    stream.set_nodelay(true)?;
    Ok(match tls {
        Some(tls) => Box::new(tls.connect(&address.host, stream).await?),
        None => Box::new(stream),
    })
}
