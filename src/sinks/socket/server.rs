//! Accepts clients and serves each in a task of its own. Runs on the thread `tympan-clients`, under tokio.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::admission::{Admission, Refusal, WRONG_TOKEN_DELAY};
use super::client::{Client, Farewell};
use super::request::{INPUT_BYTES, read_token};
use super::socket_sink::StatusLine;
use super::token::Token;
use crate::domain::Counters;

/// How long clients may take at the end to get what was queued for them.
const FAREWELL: Duration = Duration::from_millis(500);
/// Accepting fails when descriptors run out, and goes on failing until some client leaves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take to send its token.
const TOKEN_PATIENCE: Duration = Duration::from_secs(5);

/// How long one that is refused may take to read why, and how much of what it sent is read meanwhile.
const PARTING: Duration = Duration::from_secs(1);
const UNREAD_PARTS: usize = 16;

/// The ring of lines and the latest status, always changed together under the status's lock.
pub(super) struct Broadcast {
    /// `None` once the sink has ended.
    pub(super) lines: Option<broadcast::Sender<Arc<str>>>,
    /// Sent first to a client that joins, so that it knows state and sample rate.
    pub(super) status: Option<Arc<str>>,
}

/// What the tasks of all connections share.
pub(super) struct Shared {
    pub(super) broadcast: Arc<Mutex<Broadcast>>,
    pub(super) counters: Arc<Counters>,
    pub(super) status: StatusLine,
    pub(super) patience: Duration,
    pub(super) admission: Mutex<Admission>,
}

/// Everything the clients' thread needs.
pub(super) struct Server {
    pub(super) tcp: Option<TcpListener>,
    pub(super) unix: Option<UnixListener>,
    /// Asked of TCP clients.
    pub(super) token: Option<Token>,
    /// On each socket.
    pub(super) max_clients: usize,
    /// Connections that may wait to show their token, or to read why they are refused.
    pub(super) max_unknown: usize,
    pub(super) shared: Arc<Shared>,
}

impl Server {
    /// Serves until `ending` is dropped, then gives every client what is queued for it, [`FAREWELL`] at most.
    pub(super) async fn run(self, mut ending: oneshot::Receiver<()>) {
        let [tcp_places, unix_places] = [0, 1].map(|_| Arc::new(Semaphore::new(self.max_clients)));
        let mut hall = Hall::new(self.max_unknown);
        let mut clients = JoinSet::new();
        let (shown, mut known) = mpsc::channel(1);
        let gate = self.token.clone().map(|token| Gate { token, shown: shown.clone() });
        loop {
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                accepted = accept_tcp(self.tcp.as_ref()) => {
                    let Some((stream, from)) = shared.accepted(accepted).await else { continue };
                    let stream = BufReader::with_capacity(INPUT_BYTES, stream);
                    match gate.clone() {
                        None => {
                            keep_alive(&stream, shared.patience);
                            admit(shared, stream, &tcp_places, &mut clients, &mut hall);
                        }
                        Some(gate) => hall.wait(&self.shared, |is_judged| {
                            shared.ask_for_token(stream, from.ip(), gate, is_judged)
                        }),
                    }
                }
                accepted = accept_unix(self.unix.as_ref()) => {
                    let Some(stream) = shared.accepted(accepted).await else { continue };
                    let stream = BufReader::with_capacity(INPUT_BYTES, stream);
                    admit(shared, stream, &unix_places, &mut clients, &mut hall);
                }
                Some(stream) = known.recv() => {
                    keep_alive(&stream, shared.patience);
                    admit(shared, stream, &tcp_places, &mut clients, &mut hall);
                }
                Some(_) = clients.join_next() => continue,
                Some(_) = hall.tasks.join_next() => continue,
                () = shared.report_is_due() => { shared.report(); continue }
                _ = &mut ending => break,
            }
            // so that a flood of connections does not keep those from being read that have come in
            yield_now().await;
        }
        let all_left = async { while clients.join_next().await.is_some() {} };
        if timeout(FAREWELL, all_left).await.is_err() {
            log::warn!("{} clients did not take their last lines in time", clients.len());
        }
    }
}

/// The token that is asked for, and where those go who have shown it.
#[derive(Clone)]
struct Gate {
    token: Token,
    shown: mpsc::Sender<BufReader<TcpStream>>,
}

/// Serves a client, or tells it that there is no place.
fn admit<S>(
    shared: Arc<Shared>,
    stream: S,
    places: &Arc<Semaphore>,
    clients: &mut JoinSet<()>,
    hall: &mut Hall,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        shared.refuse(Refusal::Full, None);
        return hall.wait(&shared, |is_judged| {
            // Relaxed: the flag guards no other memory.
            is_judged.store(true, Ordering::Relaxed);
            part(stream, Refusal::Full)
        });
    };
    let (lines, first) = {
        let broadcast = shared.broadcast.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lines) = &broadcast.lines else { return };
        (lines.subscribe(), broadcast.status.clone())
    };
    let Shared { status, counters, patience, .. } = &*shared;
    let client = Client::new(lines, Arc::clone(status), Arc::clone(counters), *patience);
    clients.spawn(async move {
        match client.serve(stream, first).await {
            Farewell::Behind => log::warn!("a client stayed behind too long and was dropped"),
            farewell => log::debug!("a client is gone: {farewell:?}"),
        }
        drop(place);
    });
}

/// Where connections wait that are not served: to show their token, or to read why they are refused. When it is full, the one
/// that has waited longest goes.
struct Hall {
    most: usize,
    tasks: JoinSet<()>,
    /// With whether it has been judged: one that goes before that counts as refused.
    waiting: VecDeque<(AbortHandle, Arc<AtomicBool>)>,
}

impl Hall {
    fn new(most: usize) -> Self {
        Self { most, tasks: JoinSet::new(), waiting: VecDeque::new() }
    }

    fn wait<F>(&mut self, shared: &Shared, task: impl FnOnce(Arc<AtomicBool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while self.waiting.front().is_some_and(|(task, _)| task.is_finished()) {
            self.waiting.pop_front();
        }
        if self.waiting.len() >= self.most {
            self.waiting.retain(|(task, _)| !task.is_finished());
        }
        if self.waiting.len() >= self.most
            && let Some((task, is_judged)) = self.waiting.pop_front()
        {
            task.abort();
            // Relaxed: see `admit`.
            if !is_judged.load(Ordering::Relaxed) {
                shared.refuse(Refusal::NoToken, None);
            }
        }
        let is_judged = Arc::new(AtomicBool::new(false));
        let task = self.tasks.spawn(task(Arc::clone(&is_judged)));
        self.waiting.push_back((task, is_judged));
    }
}

impl Shared {
    /// Reads the token of a connection; hands it on if that is right, else tells it that it is refused.
    async fn ask_for_token(
        self: Arc<Self>,
        mut stream: BufReader<TcpStream>,
        from: IpAddr,
        gate: Gate,
        is_judged: Arc<AtomicBool>,
    ) {
        let sent = timeout(TOKEN_PATIENCE, read_token(&mut stream)).await;
        // Relaxed: see `admit`.
        is_judged.store(true, Ordering::Relaxed);
        let refusal = match sent {
            Ok(Ok(Some(guess))) => match self.judge(&guess, from, &gate.token) {
                Ok(()) => {
                    // the server may have ended
                    let _ = gate.shown.send(stream).await;
                    return;
                }
                Err(refusal) => refusal,
            },
            Ok(Ok(None)) => Refusal::WrongToken,
            // it said nothing, or left
            Ok(Err(_)) | Err(_) => Refusal::NoToken,
        };
        self.refuse(refusal, Some(from));
        if refusal == Refusal::WrongToken {
            sleep(WRONG_TOKEN_DELAY).await;
        }
        part(stream, refusal).await;
    }

    fn judge(&self, guess: &str, from: IpAddr, token: &Token) -> Result<(), Refusal> {
        let (mut admission, now) = (self.admission(), Instant::now());
        if !admission.may_guess(from, now) {
            return Err(Refusal::TooManyGuesses);
        }
        if !token.is(guess) {
            return Err(Refusal::WrongToken);
        }
        admission.welcome(from, now);
        Ok(())
    }

    /// What was accepted; after a failure, nothing and a pause.
    async fn accepted<T>(&self, accepted: io::Result<T>) -> Option<T> {
        match accepted {
            Ok(accepted) => Some(accepted),
            Err(error) => {
                let is_first = self.admission().accepting_failed(Instant::now());
                if is_first {
                    log::warn!("cannot accept clients: {error}");
                }
                sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    fn refuse(&self, refusal: Refusal, from: Option<IpAddr>) {
        self.admission().refuse(refusal, from, Instant::now());
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

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a connection why it is refused, and reads what it has sent: to hang up with that unread would take the line back.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, refusal: Refusal) {
    let farewell = async {
        stream.write_all(refusal.line().as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; INPUT_BYTES];
        for _ in 0..UNREAD_PARTS {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    // it may be gone already
    let _ = timeout(PARTING, farewell).await;
}

async fn accept_tcp(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    let Some(listener) = listener else { return pending().await };
    listener.accept().await
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<UnixStream> {
    let Some(listener) = listener else { return pending().await };
    Ok(listener.accept().await?.0)
}

/// A client whose machine has vanished acknowledges nothing any more, and would keep its place for a quarter of an hour; while
/// there is nothing to write, only probes tell.
fn keep_alive(stream: &BufReader<TcpStream>, patience: Duration) {
    let socket = SockRef::from(stream.get_ref());
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
