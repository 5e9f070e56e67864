//! One client: lines from the ring to its socket, in order, with word of those it missed, and answers to its requests. A task
//! on `tympan-clients`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

use super::demand::Demand;
use super::request::{INPUT_BYTES, Rate, Requests};
use super::spec::StatusReport;
use crate::domain::OutputCounters;
use crate::protocol::{Hello, Message, Missed, RecordKind, Request, Subscription, write_json_line};

/// How often one that has ended its input is looked at: nothing else shows that it is gone while there is nothing to write.
/// Over TCP that shows once its system has forgotten the connection, which is a minute on Linux.
const PROBE: Duration = Duration::from_secs(1);

/// A record as all clients read it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) kind: RecordKind,
    /// What an event is of.
    pub(super) label: Option<Arc<str>>,
    /// Whether it is a window with reasons.
    pub(super) has_reasons: bool,
    /// With its line feed.
    pub(super) text: Arc<str>,
}

/// Why a client is served no longer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// It closed the connection.
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
    lines: broadcast::Receiver<Line>,
    subscription: Subscription,
    demand: Demand,
    status: StatusReport,
    counters: Arc<OutputCounters>,
    patience: Duration,
    /// Since when it has been behind: its queue has not been empty since.
    behind_since: Option<Instant>,
    /// Whether a record is on its way and not yet taken in full.
    in_hand: u64,
}

impl Client {
    pub(super) fn new(
        lines: broadcast::Receiver<Line>,
        status: StatusReport,
        counters: Arc<OutputCounters>,
        demand: Demand,
        patience: Duration,
    ) -> Self {
        Self {
            lines,
            subscription: Subscription::default(),
            demand,
            status,
            counters,
            patience,
            behind_since: None,
            in_hand: 0,
        }
    }

    fn wants(&self, line: &Line) -> bool {
        let Subscription { records, reasons, .. } = &self.subscription;
        records.contains(line.kind)
            && (line.kind != RecordKind::Window || line.has_reasons == *reasons)
            && line.label.as_deref().is_none_or(|label| self.subscription.wants_label(label))
    }

    /// Sends the greeting, the `latest` status, if any, then every line until the client or the sink ends.
    pub(super) async fn serve<S>(mut self, stream: S, latest: Option<Line>) -> CloseReason
    where
        S: AsyncRead + AsyncWrite,
    {
        let (reader, writer) = tokio::io::split(stream);
        let reader = BufReader::with_capacity(INPUT_BYTES, reader);
        tokio::pin!(reader, writer);
        let (sender, requests) = mpsc::channel(1);
        let reason = tokio::select! {
            () = read_requests(&mut reader, sender) => CloseReason::Left,
            Err(reason) = self.write_lines(&mut writer, latest, requests) => reason,
        };
        if reason == CloseReason::Left {
            self.discard_backlog();
        }
        reason
    }

    async fn write_lines<W>(
        &mut self,
        writer: &mut W,
        latest: Option<Line>,
        mut requests: mpsc::Receiver<Request>,
    ) -> Result<Infallible, CloseReason>
    where
        W: AsyncWrite + Unpin,
    {
        self.send_message(writer, &Message::Hello(Hello::of_this_program())).await?;
        if let Some(line) = latest {
            self.send(writer, &line.text).await?;
        }
        // whether the client will say nothing more; it may be gone, or read on
        let mut has_ended = false;
        loop {
            tokio::select! {
                line = self.lines.recv() => self.pass_on(writer, line).await?,
                request = requests.recv(), if !has_ended => match request {
                    Some(request) => self.answer(writer, request).await?,
                    None => has_ended = true,
                },
                () = sleep(PROBE), if has_ended => {
                    writer.write(&[]).await.map_err(|_| CloseReason::Left)?;
                }
            }
        }
    }

    async fn pass_on<W>(
        &mut self,
        writer: &mut W,
        line: Result<Line, RecvError>,
    ) -> Result<(), CloseReason>
    where
        W: AsyncWrite + Unpin,
    {
        match line {
            Ok(line) if self.wants(&line) => {
                self.in_hand = 1;
                self.send(writer, &line.text).await?;
                self.in_hand = 0;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(records)) => {
                self.counters.client_records_dropped.add(records);
                self.behind_since.get_or_insert_with(Instant::now);
                self.send_message(writer, &Message::Missed(Missed { records })).await?;
            }
            Err(RecvError::Closed) => return Err(CloseReason::Served),
        }
        if self.lines.is_empty() {
            self.behind_since = None;
        }
        Ok(())
    }

    async fn answer<W>(&mut self, writer: &mut W, request: Request) -> Result<(), CloseReason>
    where
        W: AsyncWrite + Unpin,
    {
        match request {
            Request::Status => match (self.status)() {
                Some(status) => self.send_message(writer, &Message::Daemon(Box::new(status))).await,
                None => Ok(()),
            },
            Request::Subscribe(subscription) => {
                self.demand.set(&subscription);
                self.subscription = subscription;
                Ok(())
            }
            Request::Token { .. } | Request::Unknown => Ok(()),
        }
    }

    async fn send_message<W>(&self, writer: &mut W, message: &Message) -> Result<(), CloseReason>
    where
        W: AsyncWrite + Unpin,
    {
        let mut line = String::new();
        write_json_line(message, &mut line);
        self.send(writer, &line).await
    }

    async fn send<W>(&self, writer: &mut W, line: &str) -> Result<(), CloseReason>
    where
        W: AsyncWrite + Unpin,
    {
        let limit = self.behind_since.unwrap_or_else(Instant::now) + self.patience;
        match timeout_at(limit, writer.write_all(line.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseReason::Left),
            Err(_) => Err(CloseReason::Behind),
        }
    }

    /// What is queued for a client that hung up is nobody's loss.
    fn discard_backlog(&mut self) {
        self.in_hand = 0;
        self.lines = self.lines.resubscribe();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.counters.client_records_dropped.add(self.in_hand + self.lines.len() as u64);
    }
}

/// Passes on what the client asks, until the connection breaks. An end of input is no break, and drops `requests`:
/// `ncat host port < /dev/null` still wants its lines. While a request waits for its answer, no more is read, and answers come
/// at a bounded rate.
async fn read_requests<R: AsyncBufRead + Unpin>(reader: &mut R, requests: mpsc::Sender<Request>) {
    let (mut answers, mut lines) = (Rate::of_answers(), Requests::new(reader));
    loop {
        match lines.next().await {
            Ok(Some(Request::Unknown)) => {}
            Ok(Some(request)) => {
                answers.wait().await;
                if requests.send(request).await.is_err() {
                    return;
                }
            }
            Ok(None) => break,
            Err(_) => return,
        }
    }
    drop(requests);
    std::future::pending::<()>().await;
}
