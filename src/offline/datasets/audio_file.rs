//! Which files are recordings, by their endings. Used by the readers of layouts, before anything is decoded.

use std::path::{Component, Path, PathBuf};

use crate::sources::{RECORDING_ENDINGS, has_recording_ending};

/// Endings of what lies beside recordings and does not pretend to be one.
const COMPANIONS: [&str; 19] = [
    "txt", "md", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml", "ini", "db", "pdf",
    "jpg", "jpeg", "png", "svg", "lab", "html",
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
