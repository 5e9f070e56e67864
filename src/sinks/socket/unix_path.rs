//! The place of a Unix socket: claimed without a race when the sink is opened, given back when it ends.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::spec::UnixSocketSpec;
use crate::files;
use crate::sinks::SinkError;

/// A path where this process listens; dropping it removes the socket, unless another has taken its place.
#[derive(Debug)]
pub(super) struct UnixPath {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode.
type Identity = (u64, u64);

impl UnixPath {
    /// Binds the socket. What a process left behind is replaced; a live socket and other files are left alone.
    ///
    /// Needs tokio's reactor around it.
    pub(super) async fn claim(spec: &UnixSocketSpec) -> Result<(UnixListener, Self), SinkError> {
        let stale = stale_socket(&spec.path).await?;
        let failed = |source| SinkError::UnixSocket { path: spec.path.clone(), source };
        let listener = bind_with_mode(spec, stale).map_err(|error| match error.kind() {
            // somebody was faster, since the place was free a moment ago
            io::ErrorKind::AlreadyExists => SinkError::SocketLive {
                path: spec.path.clone(),
                listener: "another process".to_owned(),
            },
            _ => failed(error),
        })?;
        let identity = identity_of(&spec.path).map_err(failed)?;
        Ok((listener, Self { path: spec.path.clone(), identity }))
    }
}

impl Drop for UnixPath {
    fn drop(&mut self) {
        let ours = identity_of(&self.path).is_ok_and(|found| found == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            log::warn!("cannot remove the socket {}: {error}", self.path.display());
        }
    }
}

/// Binds in a folder that only this user may enter, sets the mode there, then moves the socket to its place: it can
/// never be reached with a wider mode. (The umask would do too, but belongs to all threads.) Only the stale socket that was
/// found there gives way; whatever somebody puts there meanwhile stays.
fn bind_with_mode(spec: &UnixSocketSpec, stale: Option<Identity>) -> io::Result<UnixListener> {
    let private = files::private_folder(files::folder_of(&spec.path))?;
    let hidden = private.path().join("s");
    let listener = UnixListener::bind(&hidden)?;
    fs::set_permissions(&hidden, Permissions::from_mode(spec.mode))?;
    if stale.is_some() && identity_of(&spec.path).ok() == stale {
        fs::remove_file(&spec.path)?;
    }
    files::move_to_free_name(&hidden, &spec.path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// The socket at `path` that nobody listens on; none if there is nothing at all. Anything else is an error.
async fn stale_socket(path: &Path) -> Result<Option<Identity>, SinkError> {
    let failed = |source| SinkError::UnixSocket { path: path.to_owned(), source };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let (file_type, identity) = (metadata.file_type(), (metadata.dev(), metadata.ino()));
    if !file_type.is_socket() {
        let found = if file_type.is_dir() {
            "a folder"
        } else if file_type.is_symlink() {
            "a symbolic link"
        } else if file_type.is_fifo() {
            "a FIFO"
        } else if file_type.is_file() {
            "a file"
        } else {
            "a device"
        };
        return Err(SinkError::NotASocket { path: path.to_owned(), found });
    }
    match UnixStream::connect(path).await {
        Ok(stream) => {
            Err(SinkError::SocketLive { path: path.to_owned(), listener: listener_of(&stream) })
        }
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Some(identity)),
            io::ErrorKind::NotFound => Ok(None),
            // a full backlog: somebody is there, and busy
            io::ErrorKind::WouldBlock => Err(SinkError::SocketLive {
                path: path.to_owned(),
                listener: "another process".to_owned(),
            }),
            // bound by another kind of socket, of datagrams say, whose owner may be there
            _ if error.raw_os_error() == Some(nix::libc::EPROTOTYPE) => {
                Err(SinkError::NotASocket {
                    path: path.to_owned(),
                    found: "a socket of another kind",
                })
            }
            _ => Err(failed(error)),
        },
    }
}

fn listener_of(stream: &UnixStream) -> String {
    let Some(process) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else {
        return "another process".to_owned();
    };
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(program) => format!("process {process} ({})", program.trim_end()),
        Err(_) => format!("process {process}"),
    }
}
