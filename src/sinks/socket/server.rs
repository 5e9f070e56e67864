//! Accepts clients and serves each in a task of its own. Runs on the thread `tympan-clients`, under tokio.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::admission::{Refusal, WRONG_TOKEN_DELAY};
use super::client::CloseReason;
use super::request::{INPUT_BYTES, read_token};
use super::shared::Shared;
use super::web::WebServer;
use crate::protocol::{Token, write_json_line};

/// How long clients may take at the end to get what was queued for them.
const LAST_LINES: Duration = Duration::from_millis(500);
/// How long a client may take to send its token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one that is refused may take to read why, and how many buffers of what it sent are read meanwhile.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
const UNREAD_BUFFERS: usize = 16;

/// Everything the clients' thread needs.
pub(super) struct Server {
    pub(super) tcp: Option<TcpListener>,
    pub(super) unix: Option<UnixListener>,
    /// Serves the page.
    pub(super) web: Option<WebServer>,
    /// Asked of TCP clients.
    pub(super) token: Option<Token>,
    /// On each socket.
    pub(super) max_clients: usize,
    /// Connections that may wait to show their token, or to read why they are refused.
    pub(super) max_unknown: usize,
    pub(super) shared: Arc<Shared>,
}

impl Server {
    /// Serves until `ending` is dropped, then gives every client what is queued for it, [`LAST_LINES`] at most.
    pub(super) async fn run(self, mut ending: oneshot::Receiver<()>) {
        let [tcp_places, unix_places] = [0, 1].map(|_| Arc::new(Semaphore::new(self.max_clients)));
        let mut pending_connections = PendingConnections::new(self.max_unknown);
        let mut clients = JoinSet::new();
        let mut web_connections = JoinSet::new();
        let (authenticated, mut authenticated_streams) = mpsc::channel(1);
        let authentication = self
            .token
            .clone()
            .map(|token| Authentication { token, authenticated: authenticated.clone() });
        loop {
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                accepted = accept_tcp(self.tcp.as_ref()) => {
                    let Some((stream, from)) = shared.accepted(accepted).await else { continue };
                    let stream = BufReader::with_capacity(INPUT_BYTES, stream);
                    match authentication.clone() {
                        None => {
                            keep_alive(stream.get_ref(), shared.patience);
                            admit(shared, stream, &tcp_places, &mut clients, &mut pending_connections);
                        }
                        Some(authentication) => pending_connections.spawn(&self.shared, |is_decided| {
                            shared.ask_for_token(stream, from.ip(), authentication, is_decided)
                        }),
                    }
                }
                accepted = accept_unix(self.unix.as_ref()) => {
                    let Some(stream) = shared.accepted(accepted).await else { continue };
                    let stream = BufReader::with_capacity(INPUT_BYTES, stream);
                    admit(shared, stream, &unix_places, &mut clients, &mut pending_connections);
                }
                accepted = accept_web(self.web.as_ref()) => {
                    let Some((stream, from)) = shared.accepted(accepted).await else { continue };
                    keep_alive(&stream, shared.patience);
                    if let Some(serve) = self.web.as_ref().and_then(|web| web.serve(stream, from)) {
                        web_connections.spawn(serve);
                    }
                }
                Some(_) = web_connections.join_next() => continue,
                Some(stream) = authenticated_streams.recv() => {
                    keep_alive(stream.get_ref(), shared.patience);
                    admit(shared, stream, &tcp_places, &mut clients, &mut pending_connections);
                }
                Some(_) = clients.join_next() => continue,
                Some(_) = pending_connections.tasks.join_next() => continue,
                () = shared.report_is_due() => { shared.report(); continue }
                _ = &mut ending => break,
            }
            // so that a flood of connections does not keep those from being read that have come in
            yield_now().await;
        }
        // what it streams ends with the ring; what it keeps open for further requests is nobody's loss
        drop(web_connections);
        let all_left = async { while clients.join_next().await.is_some() {} };
        if timeout(LAST_LINES, all_left).await.is_err() {
            log::warn!("{} clients did not take their last lines in time", clients.len());
        }
    }
}

/// The token that clients have to send, and the channel that takes the streams of those who did.
#[derive(Clone)]
struct Authentication {
    token: Token,
    authenticated: mpsc::Sender<BufReader<TcpStream>>,
}

/// Serves a client, or refuses it for want of a place.
fn admit<S>(
    shared: Arc<Shared>,
    stream: S,
    places: &Arc<Semaphore>,
    clients: &mut JoinSet<()>,
    pending_connections: &mut PendingConnections,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        shared.refuse(Refusal::Full, None);
        return pending_connections.spawn(&shared, |is_decided| {
            // Relaxed: the flag guards no other memory.
            is_decided.store(true, Ordering::Relaxed);
            send_refusal(stream, Refusal::Full)
        });
    };
    let Some((client, first)) = shared.new_client() else { return };
    clients.spawn(async move {
        match client.serve(stream, first).await {
            CloseReason::Behind => log::warn!("a client stayed behind too long and was dropped"),
            reason => log::debug!("a client is gone: {reason:?}"),
        }
        drop(place);
    });
}

/// Where connections wait that are not served: to show their token, or to read why they are refused. When it is full, the one
/// that has waited longest goes.
struct PendingConnections {
    max: usize,
    tasks: JoinSet<()>,
    /// Each with whether the server has decided on it: one that is aborted before that counts as refused.
    waiting: VecDeque<(AbortHandle, Arc<AtomicBool>)>,
}

impl PendingConnections {
    fn new(max: usize) -> Self {
        Self { max, tasks: JoinSet::new(), waiting: VecDeque::new() }
    }

    fn spawn<F>(&mut self, shared: &Shared, task: impl FnOnce(Arc<AtomicBool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while self.waiting.front().is_some_and(|(task, _)| task.is_finished()) {
            self.waiting.pop_front();
        }
        if self.waiting.len() >= self.max {
            self.waiting.retain(|(task, _)| !task.is_finished());
        }
        if self.waiting.len() >= self.max
            && let Some((task, is_decided)) = self.waiting.pop_front()
        {
            task.abort();
            // Relaxed: see `admit`.
            if !is_decided.load(Ordering::Relaxed) {
                shared.refuse(Refusal::NoToken, None);
            }
        }
        let is_decided = Arc::new(AtomicBool::new(false));
        let task = self.tasks.spawn(task(Arc::clone(&is_decided)));
        self.waiting.push_back((task, is_decided));
    }
}

impl Shared {
    /// Reads the token of a connection; passes it on if that is right, else refuses it.
    async fn ask_for_token(
        self: Arc<Self>,
        mut stream: BufReader<TcpStream>,
        from: IpAddr,
        authentication: Authentication,
        is_decided: Arc<AtomicBool>,
    ) {
        let sent = timeout(TOKEN_TIMEOUT, read_token(&mut stream)).await;
        // Relaxed: see `admit`.
        is_decided.store(true, Ordering::Relaxed);
        let refusal = match sent {
            Ok(Ok(Some(guess))) => match self.check_token(&guess, from, &authentication.token) {
                Ok(()) => {
                    // the server may have ended
                    let _ = authentication.authenticated.send(stream).await;
                    return;
                }
                Err(refusal) => refusal,
            },
            Ok(Ok(None)) => Refusal::WrongToken,
            // it sent nothing, or left
            Ok(Err(_)) | Err(_) => Refusal::NoToken,
        };
        self.refuse(refusal, Some(from));
        if refusal == Refusal::WrongToken {
            sleep(WRONG_TOKEN_DELAY).await;
        }
        send_refusal(stream, refusal).await;
    }

    fn report(&self) {
        if let Some(report) = self.admission().report(Instant::now()) {
            log::warn!("{report}");
        }
    }

    async fn report_is_due(&self) {
        let due = self.admission().next_report();
        match due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }
}

/// Sends a connection the reason of its refusal, and reads what it has sent: to hang up with that unread would take the line back.
async fn send_refusal<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, refusal: Refusal) {
    let mut line = String::new();
    write_json_line(&refusal.message(), &mut line);
    let refuse = async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; INPUT_BYTES];
        for _ in 0..UNREAD_BUFFERS {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    // it may be gone already
    let _ = timeout(REFUSAL_TIMEOUT, refuse).await;
}

async fn accept_tcp(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    let Some(listener) = listener else { return pending().await };
    listener.accept().await
}

async fn accept_web(web: Option<&WebServer>) -> io::Result<(TcpStream, SocketAddr)> {
    let Some(web) = web else { return pending().await };
    web.accept().await
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<UnixStream> {
    let Some(listener) = listener else { return pending().await };
    Ok(listener.accept().await?.0)
}

/// A client whose machine has vanished acknowledges nothing any more, and would keep its place for a quarter of an hour; while
/// there is nothing to write, only probes show it.
fn keep_alive(stream: &TcpStream, patience: Duration) {
    let socket = SockRef::from(stream);
    let probes = patience.max(Duration::from_secs(1));
    let set = || -> io::Result<()> {
        // a line is small and is wanted now
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_user_timeout(Some(patience))?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probes).with_interval(probes))
    };
    if let Err(error) = set() {
        log::debug!("a client is gone: {error}");
    }
}
