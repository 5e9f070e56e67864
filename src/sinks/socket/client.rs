//! One client: lines from the ring to its socket, in order, with word of those it missed. A task on `tympan-clients`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::domain::Counters;

/// Input is thrown away; a client has nothing to say.
const DISCARD_BYTES: usize = 256;

/// Why a client is served no longer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It hung up.
    Left,
    /// It read too slowly for too long.
    Behind,
    /// The sink ended, and the client got everything.
    Served,
}

/// What a client reads from, and how far behind it is.
///
/// What a client had not got when it was dropped counts as missed; what it left behind by hanging up does not.
pub(super) struct Client {
    lines: broadcast::Receiver<Arc<str>>,
    counters: Arc<Counters>,
    patience: Duration,
    /// Since when it has been behind: its queue has not been empty since.
    behind_since: Option<Instant>,
    /// Whether a record is on its way and not yet taken in full.
    in_hand: u64,
}

impl Client {
    pub(super) fn new(
        lines: broadcast::Receiver<Arc<str>>,
        counters: Arc<Counters>,
        patience: Duration,
    ) -> Self {
        Self { lines, counters, patience, behind_since: None, in_hand: 0 }
    }

    /// Sends `first`, if any, then every line until the client or the sink ends.
    pub(super) async fn serve<S>(mut self, stream: S, first: Option<Arc<str>>) -> Farewell
    where
        S: AsyncRead + AsyncWrite,
    {
        let (reader, writer) = tokio::io::split(stream);
        tokio::pin!(reader, writer);
        let farewell = tokio::select! {
            () = discard(&mut reader) => Farewell::Left,
            farewell = self.deliver(&mut writer, first) => farewell,
        };
        if farewell == Farewell::Left {
            self.forget();
        }
        farewell
    }

    async fn deliver<W>(&mut self, writer: &mut W, first: Option<Arc<str>>) -> Farewell
    where
        W: AsyncWrite + Unpin,
    {
        if let Some(line) = first
            && let Err(farewell) = self.send(writer, &line).await
        {
            return farewell;
        }
        loop {
            let sent = match self.lines.recv().await {
                Ok(line) => {
                    self.in_hand = 1;
                    let sent = self.send(writer, &line).await;
                    if sent.is_ok() {
                        self.in_hand = 0;
                    }
                    sent
                }
                Err(RecvError::Lagged(missed)) => {
                    self.counters.client_records_dropped.add(missed);
                    self.behind_since.get_or_insert_with(Instant::now);
                    self.send(writer, &missed_line(missed)).await
                }
                Err(RecvError::Closed) => return Farewell::Served,
            };
            if let Err(farewell) = sent {
                return farewell;
            }
            if self.lines.is_empty() {
                self.behind_since = None;
            }
        }
    }

    async fn send<W>(&self, writer: &mut W, line: &str) -> Result<(), Farewell>
    where
        W: AsyncWrite + Unpin,
    {
        let limit = self.behind_since.unwrap_or_else(Instant::now) + self.patience;
        match timeout_at(limit, writer.write_all(line.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Farewell::Left),
            Err(_) => Err(Farewell::Behind),
        }
    }

    /// What is queued for a client that hung up is nobody's loss.
    fn forget(&mut self) {
        self.in_hand = 0;
        self.lines = self.lines.resubscribe();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.counters.client_records_dropped.add(self.in_hand + self.lines.len() as u64);
    }
}

/// Reads until the connection breaks. An end of input is no break: `ncat host port < /dev/null` still wants its lines.
async fn discard<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut input = [0; DISCARD_BYTES];
    loop {
        match reader.read(&mut input).await {
            Ok(0) => std::future::pending().await,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// What a client reads in the place of the records it missed.
fn missed_line(missed: u64) -> String {
    format!("{{\"type\":\"missed\",\"records\":{missed}}}\n")
}
