//! Reading what a path names, within a bound on bytes and on time: a FIFO without a writer, or a file system whose server
//! is gone, holds a helper thread and not the program.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use nix::libc::{O_NOCTTY, O_NONBLOCK};

/// How long a file may take to be opened and read. A disk that has to spin up takes ten seconds at most; what takes longer
/// does not answer.
pub const MAX_WAIT: Duration = Duration::from_secs(10);

/// Runs `read` on a thread of its own and waits for it, `patience` at most. A call that does not return keeps its thread.
///
/// # Errors
/// Those of `read`; [`io::ErrorKind::TimedOut`] when it has not returned in time.
pub fn within<T: Send + 'static>(
    patience: Duration,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (done, result) = bounded(1);
    thread::Builder::new().name("tympan-read".to_owned()).spawn(move || {
        // nobody waits any more when the time is up
        let _ = done.send(read());
    })?;
    result.recv_timeout(patience).unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        let text = format!(
            "it has not answered for {seconds} s: a FIFO that nobody writes to, or a file system whose server is away?"
        );
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })
}

/// Opens a regular file to read; links are followed, anything else at their end is refused without being opened.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] or [`io::ErrorKind::IsADirectory`] for what is no regular file, and those of the file
/// system.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // asked before it is opened, since to open some devices does something
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(not_regular(found.file_type()));
    }
    // and asked again, since somebody may have replaced it in between
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path)?;
    let found = file.metadata()?;
    if found.is_file() { Ok(file) } else { Err(not_regular(found.file_type())) }
}

/// As [`open_regular`], for a file system that may not answer.
///
/// # Errors
/// As [`open_regular`], and [`io::ErrorKind::TimedOut`] after [`MAX_WAIT`].
pub fn open_regular_within(path: &Path) -> io::Result<File> {
    let path = path.to_owned();
    within(MAX_WAIT, move || open_regular(&path))
}

/// All bytes of a regular file.
///
/// # Errors
/// As [`open_regular_within`], and [`io::ErrorKind::FileTooLarge`] when there are more than `max`.
pub fn read_regular(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    within(MAX_WAIT, move || {
        let file = open_regular(&path)?;
        let found = file.metadata()?.len();
        if found > max {
            return Err(too_large(found, max));
        }
        read_up_to(file, max)
    })
}

/// All bytes of a file, a pipe or a device.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] when the end has not come after [`MAX_WAIT`], [`io::ErrorKind::FileTooLarge`] when there are
/// more than `max`, and those of the file system.
pub fn read_stream(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    within(MAX_WAIT, move || read_up_to(File::open(path)?, max))
}

fn read_up_to(file: File, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // whatever the file system says of the length: it may grow, or be a device
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    let found = bytes.len() as u64;
    if found > max { Err(too_large(found, max)) } else { Ok(bytes) }
}

fn too_large(found: u64, max: u64) -> io::Error {
    let text = format!("it has {found} bytes or more, and may have {max}");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// What is found where a regular file is expected.
pub(super) fn not_regular(found: FileType) -> io::Error {
    if found.is_dir() {
        return io::ErrorKind::IsADirectory.into();
    }
    let kind = if found.is_symlink() {
        "a symbolic link, which is not followed here; name the file that it leads to"
    } else if found.is_fifo() {
        "a FIFO, not a regular file"
    } else if found.is_socket() {
        "a socket, not a regular file"
    } else {
        "a device, not a regular file"
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}"))
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn a_fifo_and_a_device_are_refused_at_once_and_a_link_to_a_file_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for path in [fifo.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert!(open_regular(path).is_err(), "{}", path.display());
        }
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_regular(&link, 4).unwrap(), b"text");
        assert_eq!(read_regular(&link, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let endless = read_stream(Path::new("/dev/zero"), 1_000).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_never_returns_is_given_up_in_time() {
        let error = within(Duration::from_millis(20), || {
            thread::sleep(Duration::from_secs(600));
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
