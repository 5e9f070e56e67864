//! Which files are recordings, and which of them lie below a folder. Used by every command that takes files or folders, and
//! by the datasets, before anything is decoded; calling thread.

use std::io;
use std::path::{Path, PathBuf};

use super::SourceError;

/// Endings of files that may be recordings that are read.
pub const RECORDING_ENDINGS: [&str; 12] =
    ["wav", "wave", "flac", "ogg", "oga", "mp3", "aif", "aiff", "aifc", "caf", "m4a", "mp4"];

/// Whether a file's ending is that of a recording, in upper or lower case.
pub fn has_recording_ending(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| RECORDING_ENDINGS.contains(&ending.as_str()))
}

/// Files as they are named, and all recordings below the folders that are, in the order of their names.
///
/// # Errors
/// [`SourceError::Folder`] for a folder that cannot be read, [`SourceError::NoRecordings`] for one without any.
pub fn find_recordings(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let mut files = files_below(path)
            .map_err(|source| SourceError::Folder { path: path.clone(), source })?;
        files.retain(|file| has_recording_ending(file));
        if files.is_empty() {
            let endings = RECORDING_ENDINGS.join(", ");
            return Err(SourceError::NoRecordings { path: path.clone(), endings });
        }
        found.append(&mut files);
    }
    Ok(found)
}

/// Every file below `folder`, folder by folder in the order of their names.
///
/// # Errors
/// Those of reading a folder.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        // a link to a folder above would never end
        if path.is_dir() && !path.is_symlink() {
            files.append(&mut files_below(&path)?);
        } else if !path.is_dir() {
            files.push(path);
        }
    }
    Ok(files)
}

/// What is in a folder, by name: a folder's own order differs from machine to machine.
///
/// # Errors
/// Those of reading a folder.
pub fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut entries: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}
