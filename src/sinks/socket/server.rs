//! Accepts clients and serves each in a task of its own. Runs on the thread `tympan-clients`, under tokio.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::client::{Client, Farewell};
use super::socket_sink::StatusLine;
use super::token::Token;
use crate::domain::Counters;

/// How long clients may take at the end to get what was queued for them.
const FAREWELL: Duration = Duration::from_millis(500);
/// Accepting fails when descriptors run out, and goes on failing until some client leaves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The ring of lines and the latest status, always changed together under the status's lock.
pub(super) struct Broadcast {
    /// `None` once the sink has ended.
    pub(super) lines: Option<broadcast::Sender<Arc<str>>>,
    /// Sent first to a client that joins, so that it knows state and sample rate.
    pub(super) status: Option<Arc<str>>,
}

/// Everything the clients' thread needs.
pub(super) struct Server {
    pub(super) tcp: Option<TcpListener>,
    pub(super) unix: Option<UnixListener>,
    pub(super) broadcast: Arc<Mutex<Broadcast>>,
    pub(super) counters: Arc<Counters>,
    pub(super) status: StatusLine,
    /// Asked of TCP clients.
    pub(super) token: Option<Token>,
    pub(super) patience: Duration,
    pub(super) max_clients: usize,
}

impl Server {
    /// Serves until `ending` is dropped, then gives every client what is queued for it, [`FAREWELL`] at most.
    pub(super) async fn run(self, mut ending: oneshot::Receiver<()>) {
        let mut clients = JoinSet::new();
        let mut refusing = false;
        loop {
            tokio::select! {
                accepted = accept_tcp(self.tcp.as_ref(), self.patience) => {
                    let token = self.token.clone();
                    self.admit(accepted, token, &mut clients, &mut refusing).await;
                }
                accepted = accept_unix(self.unix.as_ref()) => {
                    self.admit(accepted, None, &mut clients, &mut refusing).await;
                }
                Some(_) = clients.join_next() => {}
                _ = &mut ending => break,
            }
        }
        let all_left = async { while clients.join_next().await.is_some() {} };
        if timeout(FAREWELL, all_left).await.is_err() {
            log::warn!("{} clients did not take their last lines in time", clients.len());
        }
    }

    /// Starts to serve a client, or turns it away; the log hears of the first of several turned away in a row.
    async fn admit<S>(
        &self,
        accepted: io::Result<S>,
        token: Option<Token>,
        clients: &mut JoinSet<()>,
        refusing: &mut bool,
    ) where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                if !std::mem::replace(refusing, true) {
                    log::warn!("cannot accept a client: {error}");
                }
                sleep(ACCEPT_PAUSE).await;
                return;
            }
        };
        if clients.len() >= self.max_clients {
            if !std::mem::replace(refusing, true) {
                log::warn!("a client was turned away: {} are connected already", clients.len());
            }
            return;
        }
        *refusing = false;
        let (lines, first) = {
            let broadcast = self.broadcast.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(lines) = &broadcast.lines else { return };
            (lines.subscribe(), broadcast.status.clone())
        };
        let status = Arc::clone(&self.status);
        let client = Client::new(lines, status, Arc::clone(&self.counters), self.patience);
        clients.spawn(async move {
            match client.serve(stream, first, token).await {
                Farewell::Behind => log::warn!("a client stayed behind too long and was dropped"),
                Farewell::Refused => log::warn!("a client without the right token was turned away"),
                farewell => log::debug!("a client is gone: {farewell:?}"),
            }
        });
    }
}

async fn accept_tcp(
    listener: Option<&TcpListener>,
    patience: Duration,
) -> io::Result<tokio::net::TcpStream> {
    let Some(listener) = listener else { return std::future::pending().await };
    let (stream, _) = listener.accept().await?;
    // a line is small and is wanted now
    stream.set_nodelay(true)?;
    // one whose machine has vanished acknowledges nothing any more, and would keep its place for a quarter of an hour; while
    // there is nothing to write, only probes tell
    let socket = SockRef::from(&stream);
    socket.set_tcp_user_timeout(Some(patience))?;
    let probes = patience.max(Duration::from_secs(1));
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probes).with_interval(probes))?;
    Ok(stream)
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<tokio::net::UnixStream> {
    let Some(listener) = listener else { return std::future::pending().await };
    Ok(listener.accept().await?.0)
}
