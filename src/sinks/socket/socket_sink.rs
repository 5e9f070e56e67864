//! The sink that clients connect to. Fed by its queue on `tympan-socket`; its clients are served on `tympan-clients`.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{broadcast, oneshot};

use super::admission::{Admission, max_clients, max_unknown};
use super::client::Line;
use super::server::{Broadcast, Server, Shared};
use super::spec::{SocketSpec, StatusReport, UnixSocketSpec};
use super::unix_path::UnixPath;
use crate::domain::{Counters, Record};
use crate::protocol::write_json_line;
use crate::sinks::{Sink, SinkError};

/// Lines that a client may be behind: some ten seconds of windows. A power of two, as tokio's ring rounds up to one.
const CLIENT_LINES: usize = 256;
const THREAD: &str = "tympan-clients";

/// Serves JSON Lines to every client that connects. Nothing a client does delays `write`, or another client.
///
/// A client that joins gets a greeting and the latest status first. One that falls more than 256 lines behind reads how many it
/// missed in their place, and is dropped if it stays behind. Dropping the sink gives clients half a second to take what is
/// queued for them. See [`crate::protocol`] for the lines of both sides.
pub struct SocketSink {
    broadcast: Arc<Mutex<Broadcast>>,
    ending: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    tcp_address: Option<SocketAddr>,
    line: String,
    /// Removed after the thread has ended.
    _unix_path: Option<UnixPath>,
}

impl SocketSink {
    /// Binds the sockets and starts to serve.
    ///
    /// # Errors
    /// [`SinkError::AddressInUse`], [`SinkError::Address`], [`SinkError::SocketLive`], [`SinkError::NotASocket`] or
    /// [`SinkError::UnixSocket`] when a socket cannot be bound; [`SinkError::Thread`] when its thread cannot start.
    pub fn open(
        spec: SocketSpec,
        counters: Arc<Counters>,
        status: StatusReport,
    ) -> Result<Self, SinkError> {
        let no_thread = |source| SinkError::Thread { thread: THREAD.to_owned(), source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let tcp = spec.tcp.map(|address| bind_tcp(&runtime, address)).transpose()?;
        let (unix, unix_path) = match &spec.unix {
            Some(unix) => bind_unix(&runtime, unix).map(|(unix, path)| (Some(unix), Some(path)))?,
            None => (None, None),
        };
        let tcp_address = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let (lines, _) = broadcast::channel(CLIENT_LINES);
        let broadcast = Arc::new(Mutex::new(Broadcast { lines: Some(lines), status: None }));
        let sockets = usize::from(tcp.is_some()) + usize::from(unix.is_some());
        let most = max_clients(spec.max_clients, sockets, spec.descriptors);
        if most < spec.max_clients {
            log::warn!(
                "max_clients is {}, and this process may open {} files: each socket serves {most} clients (ulimit -n, or \
                 LimitNOFILE= in a systemd unit)",
                spec.max_clients,
                spec.descriptors
            );
        }
        let shared = Shared {
            broadcast: Arc::clone(&broadcast),
            admission: Mutex::new(Admission::new(Arc::clone(&counters))),
            counters,
            status,
            patience: spec.patience,
        };
        let server = Server {
            tcp,
            unix,
            token: spec.token,
            max_clients: most,
            max_unknown: max_unknown(spec.descriptors),
            shared: Arc::new(shared),
        };
        let (ending, ended) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || runtime.block_on(server.run(ended)))
            .map_err(no_thread)?;
        Ok(Self {
            broadcast,
            ending: Some(ending),
            thread: Some(thread),
            tcp_address,
            line: String::new(),
            _unix_path: unix_path,
        })
    }

    /// Where TCP clients connect; tells the port when 0 was asked for.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp_address
    }

    /// Held for a few instructions only, by either side: nobody waits here.
    fn broadcast(&self) -> MutexGuard<'_, Broadcast> {
        self.broadcast.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for SocketSink {
    fn name(&self) -> &str {
        "socket"
    }

    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        self.line.clear();
        write_json_line(record, &mut self.line);
        let line = Line { kind: record.into(), text: self.line.as_str().into() };
        let mut broadcast = self.broadcast();
        if let Record::Status(_) = record {
            broadcast.status = Some(line.clone());
        }
        if let Some(lines) = &broadcast.lines {
            // fails when nobody listens, which is fine
            let _ = lines.send(line);
        }
        Ok(())
    }

    /// Lines are on their way as soon as they are written; clients read them when they can.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Drop for SocketSink {
    fn drop(&mut self) {
        // Clients end once they have read to the end of a ring that has no sender.
        self.broadcast().lines = None;
        self.ending = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread {THREAD} panicked");
        }
    }
}

fn bind_tcp(runtime: &Runtime, address: SocketAddr) -> Result<TcpListener, SinkError> {
    let _reactor = runtime.enter();
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listen().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => SinkError::AddressInUse { address },
        _ => SinkError::Address { address, source },
    })
}

fn bind_unix(
    runtime: &Runtime,
    spec: &UnixSocketSpec,
) -> Result<(UnixListener, UnixPath), SinkError> {
    let (listener, path) = runtime.block_on(UnixPath::claim(spec))?;
    let _reactor = runtime.enter();
    let listener = UnixListener::from_std(listener)
        .map_err(|source| SinkError::UnixSocket { path: spec.path.clone(), source })?;
    Ok((listener, path))
}
