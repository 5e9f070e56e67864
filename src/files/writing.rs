//! Creating, replacing and appending. New files have random names and are created with `O_EXCL`; nothing that exists is
//! truncated, followed or replaced unless it is a regular file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::libc::{O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use tempfile::{NamedTempFile, TempDir};

use super::reading::not_regular;

/// What the names of temporary files and folders begin with; letters and digits at random follow.
const PREFIX: &str = ".tympan-";

/// A new file in `folder`, of this mode less the umask, under a random name that begins with a dot. Dropping it deletes it.
///
/// # Errors
/// Those of the file system.
pub fn create_new(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
}

/// A new folder in `parent` that this user alone may enter. Dropping it deletes it with all that is in it.
///
/// # Errors
/// Those of the file system.
pub fn private_folder(parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

/// Tries whether files can be created in `folder` and deleted again.
///
/// # Errors
/// Those of the file system.
pub fn probe_folder(folder: &Path) -> io::Result<()> {
    create_new(folder, 0o600)?.close()
}

/// `folder`, or the nearest above it that is there.
pub fn nearest_folder(folder: &Path) -> &Path {
    let nearest = folder.ancestors().find(|parent| parent.exists());
    nearest.filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file is worth waiting for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk before it takes its place, and survives a power cut.
    Synced,
    /// It can be made again: a power cut may leave a broken one, which is noticed when it is read.
    Cached,
}

/// Writes `bytes` beside `path` and moves them there: whoever reads finds the old file or the new one, whole.
///
/// # Errors
/// As [`require_replaceable`], and those of the file system.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    require_replaceable(path)?;
    let folder = folder_of(path);
    let mut file = create_new(folder, 0o666)?;
    file.write_all(bytes)?;
    if durability == Durability::Synced {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    match durability {
        Durability::Synced => File::open(folder)?.sync_all(),
        Durability::Cached => Ok(()),
    }
}

/// Whether `path` may be replaced by a file: there is nothing, or a regular file.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a link, a FIFO, a socket or a device, [`io::ErrorKind::IsADirectory`] for a folder.
pub fn require_replaceable(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) => Err(not_regular(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a regular file to read and append, and creates it with this mode if there is none.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a link, a FIFO, a device, or a file that has a second name elsewhere: what is
/// appended would show there too.
pub fn append(path: &Path, mode: u32) -> io::Result<File> {
    require_replaceable(path)?;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(mode)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(not_regular(found.file_type()));
    }
    if found.nlink() > 1 {
        let text = format!("the file has {} names (hard links); remove the others", found.nlink());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(file)
}

/// Moves `from` to `to` in the same file system if `to` does not exist.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when it does, and those of the file system.
pub fn move_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        // a file system without that flag: a second name that must not exist, then the first one goes
        Err(nix::errno::Errno::EINVAL | nix::errno::Errno::ENOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        moved => moved.map_err(io::Error::from),
    }
}

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn what_is_planted_in_the_place_of_a_file_is_neither_followed_nor_harmed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        let (fifo, inner) = (folder.path().join("fifo"), folder.path().join("inner"));
        fs::write(&target, "content").unwrap();
        symlink(&target, &link).unwrap();
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        fs::create_dir(&inner).unwrap();
        for planted in [&link, &fifo, &inner] {
            assert!(
                replace(planted, b"other", Durability::Synced).is_err(),
                "{}",
                planted.display()
            );
            assert!(append(planted, 0o600).is_err(), "{}", planted.display());
            assert!(move_to_free_name(&target, planted).is_err(), "{}", planted.display());
        }
        fs::hard_link(&target, folder.path().join("alias")).unwrap();
        assert!(append(&target, 0o600).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "content");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "no temporary file stays");
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_probe_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"first", Durability::Cached).unwrap();
        replace(&path, b"second", Durability::Synced).unwrap();
        probe_folder(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(probe_folder(&path).is_err());
    }
}
