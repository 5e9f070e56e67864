//! A folder of this user alone for the bench's own socket, gone when the measurement is over.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Names tried before giving up: those of processes that were killed before they could tidy up.
const ATTEMPTS: u32 = 100;

/// A private folder; dropping it removes it and what is in it.
pub struct SocketFolder(PathBuf);

impl SocketFolder {
    /// Makes one below the system's folder for temporary files.
    ///
    /// # Errors
    /// [`io::Error`] when no folder can be made there.
    pub fn create() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        for attempt in 0..ATTEMPTS {
            let path = parent.join(format!("tympan-bench-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        let text = format!("too many folders tympan-bench-* in {}; remove them", parent.display());
        Err(io::Error::other(text))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}
