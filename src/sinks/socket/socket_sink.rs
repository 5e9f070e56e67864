//! The output that clients connect to. Fed by whoever publishes, on their threads; clients are served on `tympan-clients`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{broadcast, oneshot};

use super::admission::{Admission, max_clients, max_unknown};
use super::client::Line;
use super::demand::DemandCounts;
use super::server::Server;
use super::shared::{Broadcast, Shared};
use super::spec::{SocketSpec, StatusReport, UnixSocketSpec};
use super::unix_path::UnixPath;
use super::web::WebServer;
use crate::domain::{LiveRecord, OutputCounters, Overflow, Published, Record};
use crate::protocol::write_json_line;
use crate::sinks::{LiveDemand, Measurements, Outlet, SinkClosed, SinkError, SinkMetrics};

/// Lines that a client may be behind: some ten seconds of windows. A power of two, as tokio's ring rounds up to one.
const CLIENT_LINES: usize = 256;
const THREAD: &str = "tympan-clients";
/// What logs and `tympan status` call it.
const NAME: &str = "socket";
/// Room for a window record with the usual five labels.
const LINE_BYTES: usize = 512;
/// Longer than the server gives its clients at the end.
const DROPPED_WAIT: Duration = Duration::from_secs(2);

/// Serves JSON Lines to every client that connects. Nothing a client does delays a publisher, or another client.
///
/// A client that joins gets a greeting and the latest status first. One that falls more than 256 lines behind reads how many it
/// missed in their place, and is dropped if it stays behind. At the end clients have half a second to take what is queued for
/// them. See [`crate::protocol`] for the lines of both sides.
pub struct SocketSink {
    broadcast: Arc<Mutex<Broadcast>>,
    demand: Arc<DemandCounts>,
    metrics: Arc<SinkMetrics>,
    done: Receiver<Infallible>,
    serving: Mutex<Option<Serving>>,
    tcp_address: Option<SocketAddr>,
    web_address: Option<SocketAddr>,
    /// Where there is a page.
    measurements: Option<Arc<Measurements>>,
}

/// What ends with the sink, in this order.
struct Serving {
    thread: JoinHandle<()>,
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
        counters: Arc<OutputCounters>,
        status: StatusReport,
    ) -> Result<Self, SinkError> {
        let no_thread = |source| SinkError::Thread { thread: THREAD.to_owned(), source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let tcp = spec.tcp.map(|address| bind_tcp(&runtime, address)).transpose()?;
        let (unix, unix_path) = match &spec.unix {
            Some(unix) => bind_unix(&runtime, unix).map(|(unix, path)| (Some(unix), Some(path)))?,
            None => (None, None),
        };
        let measurements = spec.web.as_ref().map(|web| Arc::clone(&web.measurements));
        let web = match spec.web {
            Some(web) => Some((bind_tcp(&runtime, web.address)?, web)),
            None => None,
        };
        let web_address = web.as_ref().and_then(|(listener, _)| listener.local_addr().ok());
        let tcp_address = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let (lines, _) = broadcast::channel(CLIENT_LINES);
        let (ending, ended) = oneshot::channel();
        let broadcast = Broadcast { lines: Some(lines), status: None, ending: Some(ending) };
        let broadcast = Arc::new(Mutex::new(broadcast));
        let metrics = Arc::new(SinkMetrics::new(NAME, Arc::clone(&counters)));
        let sockets = [tcp.is_some(), unix.is_some(), web.is_some()];
        let sockets = sockets.into_iter().map(usize::from).sum();
        let max = max_clients(spec.max_clients, sockets, spec.descriptors);
        if max < spec.max_clients {
            log::warn!(
                "max_clients is {}, and this process may open {} files: each socket serves {max} clients (ulimit -n, or \
                 LimitNOFILE= in a systemd unit)",
                spec.max_clients,
                spec.descriptors
            );
        }
        let demand = Arc::new(DemandCounts::default());
        let shared = Shared {
            broadcast: Arc::clone(&broadcast),
            admission: Mutex::new(Admission::new(Arc::clone(&counters))),
            counters,
            demand: Arc::clone(&demand),
            status,
            patience: spec.patience,
        };
        let shared = Arc::new(shared);
        let web = web.map(|(listener, spec)| WebServer::new(listener, spec, max, &shared));
        let server = Server {
            web,
            tcp,
            unix,
            token: spec.token,
            max_clients: max,
            max_unknown: max_unknown(spec.descriptors),
            shared,
        };
        let (alive, done) = bounded(0);
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || {
                runtime.block_on(server.run(ended));
                drop((runtime, alive));
            })
            .map_err(no_thread)?;
        let serving = Mutex::new(Some(Serving { thread, _unix_path: unix_path }));
        Ok(Self {
            broadcast,
            demand,
            metrics,
            done,
            serving,
            tcp_address,
            web_address,
            measurements,
        })
    }

    /// Where TCP clients connect; with the port that was assigned when 0 was asked for.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp_address
    }

    /// Where browsers find the page; with the port that was assigned when 0 was asked for.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.web_address
    }

    /// Held for a few instructions only, by either side: nobody waits for long.
    fn broadcast(&self) -> MutexGuard<'_, Broadcast> {
        self.broadcast.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for SocketSink {
    fn metrics(&self) -> &Arc<SinkMetrics> {
        &self.metrics
    }

    /// Puts the record into the ring that all clients read from; whoever does not keep up misses it.
    fn publish(&self, published: &Arc<Published>, _overflow: Overflow) {
        let record = &published.record;
        if let Some(measurements) = &self.measurements {
            measurements.count(record);
        }
        let is_status = matches!(record, Record::Status(_));
        // a client that joins from here on did not miss this one
        let has_clients =
            self.broadcast().lines.as_ref().is_some_and(|lines| lines.receiver_count() > 0);
        if !has_clients && !is_status {
            return;
        }
        let mut text = String::with_capacity(LINE_BYTES);
        write_json_line(record, &mut text);
        let label = match record {
            Record::Event(event) => Some(Arc::clone(&event.label)),
            _ => None,
        };
        let line = Line { kind: record.into(), label, has_reasons: false, text: text.into() };
        let mut broadcast = self.broadcast();
        if is_status {
            broadcast.status = Some(line.clone());
        }
        if let Some(lines) = &broadcast.lines {
            // fails when nobody has connected, which is fine
            let _ = lines.send(line);
        }
    }

    fn live_demand(&self) -> LiveDemand {
        self.demand.demand()
    }

    fn publish_live(&self, record: &LiveRecord) {
        let mut text = String::with_capacity(LINE_BYTES);
        write_json_line(record, &mut text);
        let has_reasons = matches!(record, LiveRecord::Window(_));
        let line = Line { kind: record.into(), label: None, has_reasons, text: text.into() };
        if let Some(lines) = &self.broadcast().lines {
            // fails when nobody has connected, which is fine
            let _ = lines.send(line);
        }
    }

    /// Nobody ever waits here.
    fn cancel(&self) {}

    fn begin_close(&self, last: &[Arc<Published>]) {
        for last in last {
            self.publish(last, Overflow::DropNewest);
        }
        let mut broadcast = self.broadcast();
        // Clients end once they have read to the end of a ring that has no sender.
        broadcast.lines = None;
        broadcast.ending = None;
    }

    fn done(&self) -> &Receiver<Infallible> {
        &self.done
    }

    fn finish(&self) -> SinkClosed {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Serving { thread, .. }) = serving else { return SinkClosed::Ended };
        if !self.ends_by(Instant::now()) {
            log::warn!("clients did not take their last lines in time");
            return SinkClosed::LeftBehind;
        }
        match thread.join() {
            Ok(()) => SinkClosed::Drained,
            Err(_) => {
                log::error!("the thread {THREAD} panicked");
                SinkClosed::Ended
            }
        }
    }
}

impl Drop for SocketSink {
    fn drop(&mut self) {
        self.begin_close(&[]);
        self.ends_by(Instant::now() + DROPPED_WAIT);
        self.finish();
    }
}

fn bind_tcp(runtime: &Runtime, address: SocketAddr) -> Result<TcpListener, SinkError> {
    let _reactor = runtime.enter();
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    bind().map_err(|source| match source.kind() {
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
