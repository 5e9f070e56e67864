//! Accepts browsers and serves each connection in a task of its own, with hyper, on `tympan-clients`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::WebSpec;
use super::routes::Site;
use crate::sinks::socket::admission::Refusal;
use crate::sinks::socket::shared::Shared;

/// How long a browser may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of a request.
const HEAD_BYTES: usize = 16 * 1024;

/// A listener, and what it serves.
pub(in crate::sinks::socket) struct WebServer {
    listener: TcpListener,
    site: Arc<Site>,
    shared: Weak<Shared>,
    places: Arc<Semaphore>,
}

impl WebServer {
    /// Serves on `listener`, so many connections at once.
    pub(in crate::sinks::socket) fn new(
        listener: TcpListener,
        spec: WebSpec,
        max_connections: usize,
        shared: &Arc<Shared>,
    ) -> Self {
        Self {
            listener,
            site: Arc::new(Site::new(spec)),
            shared: Arc::downgrade(shared),
            places: Arc::new(Semaphore::new(max_connections)),
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// The system's.
    pub(in crate::sinks::socket) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.listener.accept().await
    }

    /// The task that serves a connection; none where every place is taken.
    pub(in crate::sinks::socket) fn serve(
        &self,
        stream: TcpStream,
        from: SocketAddr,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let shared = self.shared.upgrade()?;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            shared.refuse(Refusal::Full, Some(from.ip()));
            return None;
        };
        let site = Arc::clone(&self.site);
        Some(async move {
            let service = service_fn(|request| {
                let (site, shared) = (Arc::clone(&site), Arc::clone(&shared));
                async move { Ok::<_, Infallible>(site.answer(request, from.ip(), shared).await) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            server.max_buf_size(HEAD_BYTES).half_close(false);
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                log::debug!("a browser is gone: {error}");
            }
            drop(place);
        })
    }
}
