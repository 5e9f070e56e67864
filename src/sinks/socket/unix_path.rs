//! The place of a Unix socket: claimed without a race when the sink is opened, given back when it ends.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::UnixSocketSpec;
use crate::sinks::SinkError;

/// A path where this process listens; dropping it removes the socket, unless another has taken its place.
#[derive(Debug)]
pub(super) struct UnixPath {
    path: PathBuf,
    identity: (u64, u64),
}

impl UnixPath {
    /// Binds the socket. What a process left behind is replaced; a live socket and other files are left alone.
    ///
    /// Needs tokio's reactor around it.
    pub(super) async fn claim(spec: &UnixSocketSpec) -> Result<(UnixListener, Self), SinkError> {
        refuse_if_taken(&spec.path).await?;
        let failed = |source| SinkError::UnixSocket { path: spec.path.clone(), source };
        let listener = bind_with_mode(spec).map_err(failed)?;
        let metadata = fs::symlink_metadata(&spec.path).map_err(failed)?;
        let identity = (metadata.dev(), metadata.ino());
        Ok((listener, Self { path: spec.path.clone(), identity }))
    }
}

impl Drop for UnixPath {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            log::warn!("cannot remove the socket {}: {error}", self.path.display());
        }
    }
}

/// Binds in a folder that only this user may enter, sets the mode there, then moves the socket to its place: it can
/// never be reached with a wider mode. (The umask would do too, but belongs to all threads.)
fn bind_with_mode(spec: &UnixSocketSpec) -> io::Result<UnixListener> {
    let folder = match spec.path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let private = folder.join(format!(".tympan-{}", std::process::id()));
    let hidden = private.join("s");
    // left by a process of the same id that was killed in between
    let _ = fs::remove_file(&hidden);
    let _ = fs::remove_dir(&private);
    DirBuilder::new().mode(0o700).create(&private)?;
    let bound = UnixListener::bind(&hidden).and_then(|listener| {
        fs::set_permissions(&hidden, Permissions::from_mode(spec.mode))?;
        fs::rename(&hidden, &spec.path)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    if bound.is_err() {
        let _ = fs::remove_file(&hidden);
    }
    // an empty folder left behind harms nobody, and the next start tries again
    let _ = fs::remove_dir(&private);
    bound
}

async fn refuse_if_taken(path: &Path) -> Result<(), SinkError> {
    let failed = |source| SinkError::UnixSocket { path: path.to_owned(), source };
    let file_type = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !file_type.is_socket() {
        let found = if file_type.is_dir() {
            "a folder"
        } else if file_type.is_symlink() {
            "a symbolic link"
        } else {
            "a file"
        };
        return Err(SinkError::NotASocket { path: path.to_owned(), found });
    }
    match UnixStream::connect(path).await {
        Ok(stream) => {
            Err(SinkError::SocketLive { path: path.to_owned(), listener: listener_of(&stream) })
        }
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(()),
            // a full backlog: somebody is there, and busy
            io::ErrorKind::WouldBlock => Err(SinkError::SocketLive {
                path: path.to_owned(),
                listener: "another process".to_owned(),
            }),
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
