//! A blocking client of the daemon's sockets: connects, shows its token, asks, reads messages. Used by `tympan status`,
//! `tympan bench` and by whoever views a daemon; runs on the caller's thread.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use socket2::{Domain, SockAddr, Socket, Type};

use super::{DaemonStatus, Message, Refused, Request, Token};

/// Some forty window records.
const READ_BYTES: usize = 16 * 1024;

/// A hundred times the longest line that a daemon writes: what sends more without a line feed is no daemon.
const MAX_LINE_BYTES: usize = 1 << 20;

/// A daemon's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket's path.
    Unix(PathBuf),
    /// An IP address and a port.
    Tcp(SocketAddr),
}

impl From<&str> for Address {
    /// An IP address and a port; anything else is a path.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Unix(text.into()), Self::Tcp)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// Why a client gets no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens there, or the connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The daemon refused the connection.
    #[error("it refused: {detail}")]
    Refused {
        /// Why, in the daemon's words.
        detail: String,
    },
    /// The daemon closed the connection.
    #[error("it closed the connection")]
    Closed,
    /// A line is no message of this protocol.
    #[error("it sent a line that is no message: {line}")]
    Line {
        /// The beginning of the line.
        line: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line does not end.
    #[error("it sent a line of more than {MAX_LINE_BYTES} bytes, which no daemon does")]
    LineTooLong,
}

/// A connection of either kind.
#[derive(Debug)]
pub enum Stream {
    /// To a Unix socket.
    Unix(UnixStream),
    /// To a TCP address.
    Tcp(TcpStream),
}

/// What may come after the request for a status. Of other lines it does not matter what is in them.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    Daemon(Box<DaemonStatus>),
    Refused(Refused),
    #[serde(other)]
    Other,
}

/// A connected client. As an iterator it yields every message that is known, until the daemon ends.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<Stream>,
    /// By when everything has to be over; none: never.
    deadline: Option<Instant>,
    line: Vec<u8>,
    /// Whether [`Self::line`] has been given out: the next one begins anew.
    is_whole: bool,
}

impl Client {
    /// Connects, and sends the token if there is one. Connecting, sending and reading all end at the `deadline`.
    ///
    /// # Errors
    /// [`io::Error`]: nobody listens there, or the time is up.
    pub fn connect(
        address: &Address,
        token: Option<&Token>,
        deadline: Option<Instant>,
    ) -> io::Result<Self> {
        let within = time_left(deadline)?;
        let stream = match address {
            Address::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // a full backlog makes the system wait for as long as a write may take
                socket.set_write_timeout(within)?;
                socket.connect(&SockAddr::unix(path)?).map_err(timed_out)?;
                Stream::Unix(socket.into())
            }
            Address::Tcp(address) => Stream::Tcp(match within {
                Some(within) => TcpStream::connect_timeout(address, within)?,
                None => TcpStream::connect(address)?,
            }),
        };
        let mut client = Self::new(stream, deadline);
        if let Some(token) = token {
            client.request(&Request::Token { token: token.secret().to_owned() })?;
        }
        Ok(client)
    }

    /// A client of a connection that somebody else made.
    pub fn new(stream: Stream, deadline: Option<Instant>) -> Self {
        let reader = BufReader::with_capacity(READ_BYTES, stream);
        Self { reader, deadline, line: Vec::new(), is_whole: true }
    }

    /// Sets another deadline, for what comes after the time was up too: no line is lost by that.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`io::Error`]: the connection broke, or the time is up.
    pub fn request(&mut self, request: &Request) -> io::Result<()> {
        let mut line = String::new();
        request.write_line(&mut line);
        self.reader.get_ref().set_timeouts(time_left(self.deadline)?)?;
        self.reader.get_mut().write_all(line.as_bytes()).map_err(timed_out)
    }

    /// Asks the daemon for its status and reads up to the answer; what comes before it is passed over.
    ///
    /// # Errors
    /// [`ClientError`]: the daemon refuses, closes the connection, or does not answer in time.
    pub fn status(&mut self) -> Result<DaemonStatus, ClientError> {
        self.request(&Request::Status)?;
        loop {
            let line = self.next_line()?.ok_or(ClientError::Closed)?;
            match parse(line)? {
                Answer::Daemon(status) => return Ok(*status),
                Answer::Refused(Refused { detail }) => return Err(ClientError::Refused { detail }),
                Answer::Other => {}
            }
        }
    }

    /// The next message; none once the daemon has closed the connection.
    ///
    /// # Errors
    /// [`ClientError`]: the connection broke, the time is up, or a line is no message.
    pub fn next_message(&mut self) -> Result<Option<Message>, ClientError> {
        self.next_line()?.map(parse).transpose()
    }

    /// The next line as it came, without its line feed; none once the daemon has closed the connection. A line that the end
    /// of the connection cut is dropped. What has come of a line when the time is up is kept for the next call.
    ///
    /// # Errors
    /// As [`Self::next_message`].
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, ClientError> {
        if std::mem::take(&mut self.is_whole) {
            self.line.clear();
        }
        loop {
            if self.reader.buffer().is_empty() && self.deadline.is_some() {
                self.reader.get_ref().set_timeouts(time_left(self.deadline)?)?;
            }
            let ready = match self.reader.fill_buf() {
                Ok([]) => return Ok(None),
                Ok(ready) => ready,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(timed_out(error).into()),
            };
            let end = ready.iter().position(|byte| *byte == b'\n');
            let part = &ready[..end.unwrap_or(ready.len())];
            if self.line.len() + part.len() > MAX_LINE_BYTES {
                return Err(ClientError::LineTooLong);
            }
            self.line.extend_from_slice(part);
            let taken = part.len() + usize::from(end.is_some());
            self.reader.consume(taken);
            if end.is_some() {
                self.is_whole = true;
                return Ok(Some(&self.line));
            }
        }
    }
}

impl Iterator for Client {
    type Item = Result<Message, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_message().transpose()? {
                Ok(Message::Unknown) => {}
                message => return Some(message),
            }
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, ClientError> {
    serde_json::from_slice(line).map_err(|source| {
        let line = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        ClientError::Line { line, source }
    })
}

/// How long until the `deadline`; none without one.
fn time_left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    let Some(deadline) = deadline else { return Ok(None) };
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(Some(left)),
    }
}

/// The system says of a timeout that the call would block.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Stream {
    fn set_timeouts(&self, within: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => {
                stream.set_read_timeout(within)?;
                stream.set_write_timeout(within)
            }
            Self::Tcp(stream) => {
                stream.set_read_timeout(within)?;
                stream.set_write_timeout(within)
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
        }
    }
}
