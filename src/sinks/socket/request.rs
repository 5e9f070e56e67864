//! What a client may say, a line each: its token, where one is asked for, and `status`. Read by the client's task.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// A line may be this long; the rest of a longer one is passed over, however long it is.
const LINE_BYTES: usize = 1024;

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `status`: the daemon's account of itself.
    Status,
    /// `token SECRET`.
    Token(String),
    /// Anything else. It is passed over: who connects with a tool that talks still wants the records.
    Rubbish,
}

impl Request {
    fn parse(line: &[u8]) -> Self {
        let Ok(line) = std::str::from_utf8(line) else { return Self::Rubbish };
        match line.trim().split_once(' ') {
            Some(("token", secret)) => Self::Token(secret.trim().to_owned()),
            None if line.trim() == "status" => Self::Status,
            _ => Self::Rubbish,
        }
    }
}

/// The next line; none at the end of the input.
///
/// # Errors
/// The connection is broken.
pub(super) async fn next_request<R: AsyncBufRead + Unpin>(
    reader: &mut R,
) -> io::Result<Option<Request>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let ready = reader.fill_buf().await?;
        if ready.is_empty() {
            return Ok(None);
        }
        let end = ready.iter().position(|byte| *byte == b'\n');
        let part = &ready[..end.unwrap_or(ready.len())];
        is_too_long |= line.len() + part.len() > LINE_BYTES;
        if !is_too_long {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        reader.consume(taken);
        if end.is_some() {
            let request = if is_too_long { Request::Rubbish } else { Request::parse(&line) };
            return Ok(Some(request));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(mut input: &[u8]) -> Vec<Request> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut requests = Vec::new();
            while let Some(request) = next_request(&mut input).await.unwrap() {
                requests.push(request);
            }
            requests
        })
    }

    #[test]
    fn lines_are_requests_or_rubbish_and_one_of_a_megabyte_is_passed_over() {
        let mut input = b"status\r\n token  s3cret \n\xff\xfe\nGET / HTTP/1.1\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', 1 << 20));
        input.extend_from_slice(b"\nstatus\nstat");
        assert_eq!(
            requests(&input),
            [
                Request::Status,
                Request::Token("s3cret".into()),
                Request::Rubbish,
                Request::Rubbish,
                Request::Rubbish,
                Request::Status,
            ]
        );
    }
}
