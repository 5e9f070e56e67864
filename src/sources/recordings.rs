//! Which files are recordings, and which of them lie below a folder. Used by every command that takes files or folders, and
//! by the datasets, before anything is decoded; calling thread.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::SourceError;

/// Endings of files that may be recordings that are read.
pub const RECORDING_ENDINGS: [&str; 26] = [
    "wav", "wave", "bwf", "rf64", "w64", "flac", "ogg", "oga", "mp3", "mp2", "aif", "aiff", "aifc",
    "au", "snd", "sph", "nist", "caf", "m4a", "m4b", "mp4", "mov", "aac", "mka", "mkv", "webm",
];

/// Endings of recordings that are not read, so that nobody believes they were.
const UNREAD_ENDINGS: [&str; 17] = [
    "opus", "wma", "amr", "awb", "3gp", "spx", "ape", "wv", "tta", "ra", "rm", "gsm", "dsf", "dff",
    "mpc", "avi", "ac3",
];

/// Files in other formats that a message names; the others are counted.
const NAMED_FILES: usize = 3;

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether a file's ending is that of a recording, in upper or lower case.
pub fn has_recording_ending(path: &Path) -> bool {
    RECORDING_ENDINGS.contains(&&*ending(path))
}

/// Whether a file's ending is that of a recording in a format that is not read.
pub fn is_unread_format(path: &Path) -> bool {
    !has_recording_ending(path) && UNREAD_ENDINGS.contains(&&*ending(path))
}

/// Files as they are named, and all recordings below the folders that are, in the order of their names. Recordings in
/// formats that are not read are counted in the log, and some of them named.
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
        let files = files_below(path, &mut |remark| log::info!("{remark}"))
            .map_err(|source| SourceError::Folder { path: path.clone(), source })?;
        let unread: Vec<&PathBuf> = files.iter().filter(|file| is_unread_format(file)).collect();
        let mut recordings: Vec<PathBuf> =
            files.iter().filter(|file| has_recording_ending(file)).cloned().collect();
        if recordings.is_empty() {
            let endings = RECORDING_ENDINGS.join(", ");
            let unread = if unread.is_empty() {
                String::new()
            } else {
                format!("; {}", named_formats(path, &unread))
            };
            return Err(SourceError::NoRecordings { path: path.clone(), endings, unread });
        }
        if !unread.is_empty() {
            log::warn!("{}: {}", path.display(), named_formats(path, &unread));
        }
        found.append(&mut recordings);
    }
    Ok(found)
}

/// `2 recordings are in formats that tympan does not read (1 opus, 1 wma): …`.
fn named_formats(folder: &Path, files: &[&PathBuf]) -> String {
    let mut formats: BTreeMap<String, usize> = BTreeMap::new();
    files.iter().for_each(|file| *formats.entry(ending(file)).or_default() += 1);
    let formats: Vec<String> =
        formats.iter().map(|(ending, count)| format!("{count} {ending}")).collect();
    let name = |file: &&&PathBuf| file.strip_prefix(folder).unwrap_or(file).display().to_string();
    let mut names: Vec<String> = files.iter().take(NAMED_FILES).map(|file| name(&file)).collect();
    if let Some(more @ 1..) = files.len().checked_sub(NAMED_FILES) {
        names.push(format!("and {more} more"));
    }
    let are =
        if files.len() == 1 { "recording is in a format" } else { "recordings are in formats" };
    format!(
        "{} {are} that tympan does not read ({}): {}; convert: ffmpeg -i FILE FILE.wav",
        files.len(),
        formats.join(", "),
        names.join(", ")
    )
}

/// Every file below `folder` that is not hidden, folder by folder in the order of their names, each once: links are
/// followed, but to no folder above them and to nothing that was there before. What is neither file nor folder is no file;
/// a link that leads nowhere is one, so that somebody reports it. What is passed over for another reason than that it is
/// hidden goes to `remark`.
///
/// # Errors
/// Those of reading a folder.
pub fn files_below(folder: &Path, remark: &mut dyn FnMut(String)) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    let mut walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let (path, kind) = match entry {
            Ok(entry) => (entry.path().to_owned(), Some(entry.file_type())),
            Err(error) => match error.path() {
                Some(path) if error.loop_ancestor().is_some() => {
                    remark(format!("{}: a link to a folder above it; passed over", path.display()));
                    continue;
                }
                Some(path) if path.is_symlink() => (path.to_owned(), None),
                _ => return Err(error.into()),
            },
        };
        let is_folder = kind.is_some_and(|kind| kind.is_dir());
        let is_passed_over = if path != folder && is_hidden(&path) {
            true
        } else if path.canonicalize().is_ok_and(|real| !seen.insert(real)) {
            remark(format!("{}: the same as another, by a link; it counts once", path.display()));
            true
        } else if kind.is_some_and(|kind| !kind.is_dir() && !kind.is_file()) {
            remark(format!("{}: neither a file nor a folder; passed over", path.display()));
            true
        } else {
            false
        };
        if is_passed_over && is_folder {
            walk.skip_current_dir();
        } else if !is_passed_over && !is_folder {
            files.push(path);
        }
    }
    Ok(files)
}

/// Whether a file or folder is hidden, or what macOS leaves in archives.
pub fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "__MACOSX"
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
