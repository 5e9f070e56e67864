//! Reads what a client sends, a line each, at a bounded rate. Used by the client's task.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use tokio::time::{Instant, sleep};

use crate::protocol::{MAX_REQUEST_BYTES, Request};

/// Input is looked at this much at a time.
pub(super) const INPUT_BYTES: usize = 4096;

/// The token in the first line; none if that line is anything else, or too long.
///
/// # Errors
/// The connection is broken, or its input ended before a line did.
pub(super) async fn read_token<R: AsyncBufRead + Unpin>(
    reader: &mut R,
) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut reader = reader.take(MAX_REQUEST_BYTES as u64 + 1);
    reader.read_until(b'\n', &mut line).await?;
    match (line.pop(), Request::parse(&line)) {
        (Some(b'\n'), Request::Token { token }) => Ok(Some(token)),
        (Some(b'\n'), _) => Ok(None),
        _ if line.len() >= MAX_REQUEST_BYTES => Ok(None),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The requests of one client.
pub(super) struct Requests<R> {
    reader: R,
    reads: Rate,
    /// Whether the next line needs another read from the socket.
    is_drained: bool,
}

impl<R: AsyncBufRead + Unpin> Requests<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, reads: Rate::of_reads(), is_drained: true }
    }

    /// The next line; none at the end of the input. However much a client sends, it is read at a bounded rate.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) async fn next(&mut self) -> io::Result<Option<Request>> {
        let mut line = Vec::new();
        let mut is_too_long = false;
        loop {
            if self.is_drained {
                self.reads.wait().await;
            }
            let ready = self.reader.fill_buf().await?;
            if ready.is_empty() {
                return Ok(None);
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let part = &ready[..end.unwrap_or(ready.len())];
            is_too_long |= line.len() + part.len() > MAX_REQUEST_BYTES;
            if !is_too_long {
                line.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(end.is_some());
            self.is_drained = taken == ready.len();
            self.reader.consume(taken);
            if end.is_some() {
                let request = if is_too_long { Request::Unknown } else { Request::parse(&line) };
                return Ok(Some(request));
            }
        }
    }
}

/// How often something may be done for one client: some times at once, then at intervals.
pub(super) struct Rate {
    burst: u32,
    interval: Duration,
    /// How often it may be done now.
    allowance: u32,
    since: Instant,
}

impl Rate {
    /// Of answers: more at once than any monitor asks for; then, at 40 µs an answer, 0.4 % of a core.
    pub(super) fn of_answers() -> Self {
        Self::new(200, Duration::from_millis(10))
    }

    /// Of reads from the socket: 4 MB a second, however small the pieces are.
    pub(super) fn of_reads() -> Self {
        Self::new(64, Duration::from_millis(1))
    }

    fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval, allowance: burst, since: Instant::now() }
    }

    /// Waits until it may be done once more.
    pub(super) async fn wait(&mut self) {
        let earned = self.since.elapsed().as_nanos() / self.interval.as_nanos();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.allowance = self.allowance.saturating_add(earned).min(self.burst);
            self.since = Instant::now();
        }
        match self.allowance.checked_sub(1) {
            Some(left) => self.allowance = left,
            None => {
                sleep(self.interval).await;
                self.since = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(mut input: &[u8]) -> Vec<Request> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut requests = Vec::new();
            let mut lines = Requests::new(&mut input);
            while let Some(request) = lines.next().await.unwrap() {
                requests.push(request);
            }
            requests
        })
    }

    fn token(mut input: &[u8]) -> io::Result<Option<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read_token(&mut input))
    }

    #[test]
    fn a_first_line_is_a_token_or_refused_and_a_long_one_is_not_waited_for() {
        assert_eq!(token(b"token  s3cret\r\nstatus\n").unwrap(), Some("s3cret".to_owned()));
        for other in [&b"status\n"[..], b"\n", &[b'x'; 5_000]] {
            assert_eq!(token(other).unwrap(), None);
        }
        for unfinished in [&b""[..], b"token s3cre"] {
            assert!(token(unfinished).is_err());
        }
    }

    #[test]
    fn after_a_burst_a_rate_is_kept_also_by_one_that_was_idle_before() {
        let builder =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        builder.unwrap().block_on(async {
            let mut rate = Rate::of_answers();
            tokio::time::advance(Duration::from_secs(3_600)).await;
            let began = Instant::now();
            for _ in 0..200 {
                rate.wait().await;
            }
            assert_eq!(began.elapsed(), Duration::ZERO);
            for _ in 0..100 {
                rate.wait().await;
            }
            assert_eq!(began.elapsed(), Duration::from_secs(1));
        });
    }

    #[test]
    fn lines_are_requests_or_unknown_and_one_of_a_megabyte_is_passed_over() {
        let mut input = b"status\r\n token  s3cret \n\xff\xfe\nGET / HTTP/1.1\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', 1 << 20));
        input.extend_from_slice(b"\nstatus\nstat");
        assert_eq!(
            requests(&input),
            [
                Request::Status,
                Request::Token { token: "s3cret".into() },
                Request::Unknown,
                Request::Unknown,
                Request::Unknown,
                Request::Status,
            ]
        );
    }
}
