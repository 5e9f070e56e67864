//! The live records of a daemon as a stream of server-sent events: what a socket client reads, a line an event. The client itself is
//! the sockets' own, at the other end of a pipe in memory, with all they promise: a bounded queue, word of what was missed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::io::{AsyncBufRead, AsyncWrite, BufReader, DuplexStream, duplex};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::protocol::{Request, Subscription};
use crate::sinks::socket::shared::Shared;

/// What the pipe holds: a second of everything there is.
const PIPE_BYTES: usize = 64 * 1024;
/// From one `daemon` record to the next, which also shows that the daemon is there.
const STATUS_PERIOD: Duration = Duration::from_secs(2);

/// The body of an answer that ends with the daemon or the browser.
pub(super) struct EventStream {
    lines: BufReader<DuplexStream>,
    line: Vec<u8>,
    status_due: Interval,
    /// What is still to be asked.
    requests: Vec<u8>,
}

impl EventStream {
    /// The records that `subscription` asks for; none once the sink has ended.
    pub(super) fn open(shared: &Arc<Shared>, subscription: Subscription) -> Option<Self> {
        let (client, first) = shared.new_client()?;
        let (near, far) = duplex(PIPE_BYTES);
        tokio::spawn(async move {
            let reason = client.serve(far, first).await;
            log::debug!("an event stream has ended: {reason:?}");
        });
        let mut request = String::new();
        Request::Subscribe(subscription).write_line(&mut request);
        let mut status_due = interval(STATUS_PERIOD);
        status_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let lines = BufReader::new(near);
        Some(Self { lines, line: Vec::new(), status_due, requests: request.into_bytes() })
    }

    fn send_requests(&mut self, context: &mut Context<'_>) {
        while self.status_due.poll_tick(context).is_ready() {
            self.requests.extend_from_slice(b"status\n");
        }
        while !self.requests.is_empty() {
            let pipe = Pin::new(self.lines.get_mut());
            match pipe.poll_write(context, &self.requests) {
                Poll::Ready(Ok(written)) if written > 0 => drop(self.requests.drain(..written)),
                // the end shows where lines are read
                _ => break,
            }
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = &mut *self;
        stream.send_requests(context);
        loop {
            let ready = match ready!(Pin::new(&mut stream.lines).poll_fill_buf(context)) {
                Ok(ready) if !ready.is_empty() => ready,
                _ => return Poll::Ready(None),
            };
            let end = ready.iter().position(|byte| *byte == b'\n');
            let part = &ready[..end.unwrap_or(ready.len())];
            stream.line.extend_from_slice(part);
            let taken = part.len() + usize::from(end.is_some());
            Pin::new(&mut stream.lines).consume(taken);
            if end.is_some() {
                let event = event(&stream.line);
                stream.line.clear();
                return Poll::Ready(Some(Ok(Frame::data(event))));
            }
        }
    }
}

/// A line as an event named after its type, which every line begins with.
fn event(line: &[u8]) -> Bytes {
    let name =
        line.strip_prefix(b"{\"type\":\"").and_then(|rest| rest.split(|b| *b == b'"').next());
    let parts = [b"event: ", name.unwrap_or_default(), b"\ndata: ", line, b"\n\n"];
    parts.concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_after_the_type_of_its_line() {
        let line = br#"{"type":"gap","samples":7}"#;
        assert_eq!(&event(line)[..], b"event: gap\ndata: {\"type\":\"gap\",\"samples\":7}\n\n");
    }
}
