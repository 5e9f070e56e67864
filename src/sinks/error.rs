//! What can go wrong with a sink. Returned when one is opened (then it ends the start) or written (then it is retried).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::mqtt::BrokerError;

/// A sink that cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Nobody will ever read again: the reader of a pipe is gone.
    #[error("its reader is gone")]
    Closed,
    /// A write failed; trying again may help (a disk that was full, for one).
    #[error("writing to {to} failed")]
    Write {
        /// What was written to.
        to: String,
        /// The system's error.
        source: io::Error,
    },
    /// The log file, or its folder, cannot be written.
    #[error("cannot write the log file {}; {mend}", path.display())]
    LogFile {
        /// The file.
        path: PathBuf,
        /// What to do about it.
        mend: String,
        /// The system's error.
        source: io::Error,
    },
    /// The folder of the clips cannot be written.
    #[error(
        "cannot write clips into {}; let the user that tympan runs as write there, or choose another folder (in a systemd \
         unit: ReadWritePaths={})", folder.display(), folder.display()
    )]
    ClipFolder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another program listens on the TCP port.
    #[error(
        "cannot listen on {address}: another program uses this port (`ss -ltnp 'sport = :{port}'` \
         names it). Stop that program, or choose another port",
        port = address.port()
    )]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system refused the TCP address: not this machine's, or a port below 1024 without the right to it.
    #[error(
        "cannot listen on {address}; use 127.0.0.1 or an address of this machine, and a port above 1023"
    )]
    Address {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// Another process serves the Unix socket.
    #[error(
        "cannot listen on {}: {listener} already listens there. Stop it, or choose another path",
        path.display()
    )]
    SocketLive {
        /// The socket's path.
        path: PathBuf,
        /// The program that listens, as far as the system shows it.
        listener: String,
    },
    /// The Unix socket's path is something else.
    #[error(
        "cannot listen on {}: it is {found}, not a socket, and is left alone. Move it away, or choose another path",
        path.display()
    )]
    NotASocket {
        /// The socket's path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The Unix socket cannot be made, or what is there cannot be looked at.
    #[error(
        "cannot listen on {}; its folder must exist and be writable, and the path be short (under 80 bytes)",
        path.display()
    )]
    UnixSocket {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The certificates of a broker's authority cannot be used.
    #[error("cannot use the certificates in {}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The system trusts nobody.
    #[error(
        "this system has no certificates of authorities; install them (ca-certificates), or name a file as ca_file"
    )]
    NoCertificates,
    /// A broker cannot be used.
    #[error(transparent)]
    Broker(BrokerError),
    /// The system is out of threads or file descriptors.
    #[error(
        "cannot start the thread {thread}; raise the limit on threads or open files (`ulimit -a`)"
    )]
    Thread {
        /// The thread's name.
        thread: String,
        /// The system's error.
        source: io::Error,
    },
}

impl SinkError {
    /// A failed write to `to`; a broken pipe is [`Self::Closed`].
    pub(super) fn from_write(to: &str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Write { to: to.to_owned(), source }
        }
    }

    /// A log file that cannot be opened, with the way out that fits the cause.
    pub(super) fn log_file(path: &Path, source: io::Error) -> Self {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
            _ => ".".to_owned(),
        };
        let mend = match source.kind() {
            io::ErrorKind::NotFound => {
                format!("create its folder (`mkdir -p {folder}`), or choose another path")
            }
            io::ErrorKind::PermissionDenied => format!(
                "let the user that tympan runs as write in {folder}, or choose another path"
            ),
            io::ErrorKind::ReadOnlyFilesystem => format!(
                "{folder} is read-only; choose another path (in a systemd unit: ReadWritePaths={folder})"
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                format!("make room on the disk that holds {folder}, or lower max_total_mb")
            }
            io::ErrorKind::InvalidInput => "only a regular file can be rotated".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder; add a file name to it".to_owned(),
            _ => format!("choose a file in a folder that can be written, not in {folder}"),
        };
        Self::LogFile { path: path.to_owned(), mend, source }
    }
}

/// An error and its sources on one line, as the log wants it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
