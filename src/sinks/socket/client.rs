//! One client: lines from the ring to its socket, in order, with word of those it missed, and answers to what it asks. A
//! task on `tympan-clients`.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

use super::request::{INPUT_BYTES, Rate, Request, Requests};
use super::socket_sink::StatusLine;
use crate::domain::Counters;

/// How often one that has ended its input is looked at: nothing else tells that it is gone while there is nothing to write.
/// Over TCP that shows once its system has forgotten the connection, which is a minute on Linux.
const PROBE: Duration = Duration::from_secs(1);

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
    status: StatusLine,
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
        status: StatusLine,
        counters: Arc<Counters>,
        patience: Duration,
    ) -> Self {
        Self { lines, status, counters, patience, behind_since: None, in_hand: 0 }
    }

    /// Sends `first`, if any, then every line until the client or the sink ends.
    pub(super) async fn serve<S>(mut self, stream: S, first: Option<Arc<str>>) -> Farewell
    where
        S: AsyncRead + AsyncWrite,
    {
        let (reader, writer) = tokio::io::split(stream);
        let reader = BufReader::with_capacity(INPUT_BYTES, reader);
        tokio::pin!(reader, writer);
        let (questions, asked) = mpsc::channel(1);
        let farewell = tokio::select! {
            () = listen(&mut reader, questions) => Farewell::Left,
            farewell = self.deliver(&mut writer, first, asked) => farewell,
        };
        if farewell == Farewell::Left {
            self.forget();
        }
        farewell
    }

    async fn deliver<W>(
        &mut self,
        writer: &mut W,
        first: Option<Arc<str>>,
        mut asked: mpsc::Receiver<()>,
    ) -> Farewell
    where
        W: AsyncWrite + Unpin,
    {
        if let Some(line) = first
            && let Err(farewell) = self.send(writer, &line).await
        {
            return farewell;
        }
        // whether the client will say nothing more; it may be gone, or listen on
        let mut has_ended = false;
        loop {
            let next = tokio::select! {
                line = self.lines.recv() => line,
                question = asked.recv(), if !has_ended => {
                    has_ended = question.is_none();
                    let status = question.and_then(|()| (self.status)());
                    let Some(status) = status else { continue };
                    match self.send(writer, &format!("{status}\n")).await {
                        Ok(()) => continue,
                        Err(farewell) => return farewell,
                    }
                }
                () = sleep(PROBE), if has_ended => match writer.write(&[]).await {
                    Ok(_) => continue,
                    Err(_) => return Farewell::Left,
                },
            };
            let sent = match next {
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

/// Passes on what the client asks, until the connection breaks. An end of input is no break, and drops `questions`:
/// `ncat host port < /dev/null` still wants its lines. While a question waits for its answer, no more is read, and answers come
/// at a bounded rate.
async fn listen<R: AsyncBufRead + Unpin>(reader: &mut R, questions: mpsc::Sender<()>) {
    let (mut answers, mut requests) = (Rate::of_answers(), Requests::new(reader));
    loop {
        match requests.next().await {
            Ok(Some(Request::Status)) => {
                answers.wait().await;
                if questions.send(()).await.is_err() {
                    return;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return,
        }
    }
    drop(questions);
    std::future::pending::<()>().await;
}

/// What a client reads in the place of the records it missed.
fn missed_line(missed: u64) -> String {
    format!("{{\"type\":\"missed\",\"records\":{missed}}}\n")
}
