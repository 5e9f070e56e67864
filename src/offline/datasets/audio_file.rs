//! Which files are recordings, by their endings, and where a listed one is. Used by the readers of layouts, before anything is decoded.

use std::io;
use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::DatasetError;
use crate::sources::{self, RECORDING_ENDINGS, has_recording_ending, is_unread_format};

/// Endings of what lies beside recordings and does not pretend to be one.
const COMPANIONS: [&str; 42] = [
    "txt", "md", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml", "ini", "db", "pdf",
    "jpg", "jpeg", "png", "gif", "svg", "lab", "html", "htm", "docx", "doc", "odt", "rtf", "xlsx",
    "xls", "ods", "numbers", "py", "ipynb", "npy", "sh", "log", "bak", "tab", "psv", "lnk", "url",
    "reapeaks", "asd", "sfk",
];

/// What a file in a folder of recordings is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A recording, until it proves otherwise.
    Recording,
    /// Hidden, or notes, tables and pictures.
    Companion,
    /// Neither: to be reported, for it may be a recording in a format that is not read.
    Unknown,
}

pub(super) fn kind_of(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let is_companion = ending.is_some_and(|ending| COMPANIONS.contains(&ending.as_str()));
    if name.starts_with('.') || is_companion {
        FileKind::Companion
    } else if has_recording_ending(path) {
        FileKind::Recording
    } else {
        FileKind::Unknown
    }
}

/// A path that is the same however it was written: `./a.wav` becomes `a.wav`.
pub(super) fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The recording `name` below the first of `folders` that has it, with that ending or another: published sets are kept
/// converted. Where there is none, the path it should have.
pub(super) fn find(folders: &[PathBuf], name: &str) -> PathBuf {
    let named = folders.iter().map(|folder| folder.join(name));
    let converted = folders.iter().flat_map(|folder| {
        RECORDING_ENDINGS.iter().map(move |ending| folder.join(name).with_extension(ending))
    });
    let mut candidates = named.chain(converted);
    let expected = candidates.next().unwrap_or_default();
    if expected.exists() {
        return expected;
    }
    candidates.find(|path| path.exists()).unwrap_or(expected)
}

/// Whether a table's cell is the name of a recording: by its ending, or because there is one.
pub(super) fn names_recording(folder: &Path, cell: &str) -> bool {
    let path = Path::new(cell);
    !cell.is_empty()
        && (has_recording_ending(path)
            || is_unread_format(path)
            || find(&[folder.to_owned()], cell).is_file())
}

/// A recording that a table lists.
pub(super) struct ListedFile {
    /// Where it is; where there is none, where it should be.
    pub(super) path: PathBuf,
    /// Whether it was found in another place than the table names.
    pub(super) is_elsewhere: bool,
    /// What keeps it from being found.
    pub(super) fault: Option<String>,
}

/// The recording that a table in `folder` calls `written`: there or with another ending, by a path of Windows, in
/// whichever form its letters with accents are composed, by the end of a path that was right on another machine, or one
/// folder below.
pub(super) fn find_listed(folder: &Path, written: &str) -> ListedFile {
    let found = |path: PathBuf, is_elsewhere| ListedFile { path, is_elsewhere, fault: None };
    let slashed = written.replace('\\', "/");
    let spellings: [String; 4] =
        [written.to_owned(), slashed.clone(), slashed.nfc().collect(), slashed.nfd().collect()];
    for spelling in spellings.iter().filter(|it| !it.is_empty()) {
        let path = find(&[folder.to_owned()], spelling);
        if path.is_file() {
            return found(path, false);
        }
    }
    let expected = folder.join(written);
    // a part at a time from the front, down to the name itself
    for spelling in &spellings[1..] {
        let mut rest = spelling.as_str();
        while let Some((_, below)) = rest.split_once('/') {
            let path = find(&[folder.to_owned()], below);
            if path.is_file() && !below.is_empty() {
                return found(path, true);
            }
            rest = below;
        }
    }
    if slashed.is_empty() || slashed.contains('/') || expected.exists() {
        return found(expected, false);
    }
    let folders = sources::entries(folder).unwrap_or_default();
    let below = folders.into_iter().filter(|path| path.is_dir());
    let mut there = below.map(|path| find(&[path], &slashed)).filter(|path| path.is_file());
    match (there.next(), there.next()) {
        (Some(one), None) => found(one, true),
        (Some(one), Some(other)) => ListedFile {
            path: expected,
            is_elsewhere: false,
            fault: Some(format!(
                "may be {} or {}; write its folder",
                one.display(),
                other.display()
            )),
        },
        (None, _) => found(expected, false),
    }
}

/// The name of a folder or file, also of `.`.
pub(super) fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a folder, by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    sources::entries(folder).map_err(|source| unreadable(folder, source))
}

pub(super) fn unreadable(folder: &Path, source: io::Error) -> DatasetError {
    DatasetError::Folder { path: folder.to_owned(), source }
}
