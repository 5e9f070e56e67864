//! Recordings without a label, each with the kind of sound it holds and the source it comes from. Read by the evaluation,
//! which counts by kind, and dealt out by the splits, which keep a source together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::DatasetError;
use super::audio_file::{name_of, plain};
use super::table::Table;
use crate::sources::{SourceError, find_recordings};

/// A recording, what kind of sound it holds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRecording {
    /// The file.
    pub path: PathBuf,
    /// The kind of sound, such as speech.
    pub kind: String,
    /// The speaker, room or device that it shares with others.
    pub source: String,
}

/// A table that says more of recordings than their names do: a CSV with a column `file` or `path`, relative to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingManifest {
    /// The table.
    pub path: PathBuf,
    /// The column that names the kind; none for the name of the folder that was given.
    pub kind_column: Option<String>,
    /// The column that names the source; none for the beginning of the file's name.
    pub source_column: Option<String>,
}

/// Recordings that cannot be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingListError {
    /// Recordings that were named are not there.
    #[error(transparent)]
    Search(SourceError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(DatasetError),
    /// The manifest does not know a recording.
    #[error(
        "{}: no row for {}; its column of files is relative to the table. Add a row, or leave --manifest out",
        manifest.display(), recording.display()
    )]
    NotListed {
        /// The manifest.
        manifest: PathBuf,
        /// The recording.
        recording: PathBuf,
    },
}

/// Lists files as they are named, and all recordings below the folders that are.
///
/// A recording's kind is the name of the folder given, or of a given file's folder; its source is its file's name up to
/// the first `-`, `_`, space or dot. A manifest with columns for these goes before.
///
/// # Errors
/// [`RecordingListError`] when a folder has no recording, or the manifest lacks a column or a recording.
pub fn list_recordings(
    paths: &[PathBuf],
    manifest: Option<&RecordingManifest>,
) -> Result<Vec<ListedRecording>, RecordingListError> {
    let known = manifest.map(Rows::read).transpose().map_err(RecordingListError::Manifest)?;
    let mut listed = Vec::new();
    for given in paths {
        let folder = if given.is_dir() { given } else { given.parent().unwrap_or(Path::new(".")) };
        let files = find_recordings(std::slice::from_ref(given));
        for path in files.map_err(RecordingListError::Search)? {
            let row = known.as_ref().map(|rows| rows.of(&path)).transpose()?;
            let (kind, source) = row.cloned().unwrap_or_default();
            listed.push(ListedRecording {
                kind: kind.unwrap_or_else(|| name_of(folder)),
                source: source.unwrap_or_else(|| name_prefix(&path)),
                path,
            });
        }
    }
    Ok(listed)
}

fn name_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(['-', '_', ' ', '.']).next().unwrap_or_default().to_owned()
}

/// Kind and source of each file, where the manifest has columns for them.
struct Rows {
    manifest: PathBuf,
    by_file: HashMap<PathBuf, (Option<String>, Option<String>)>,
}

impl Rows {
    fn read(manifest: &RecordingManifest) -> Result<Self, DatasetError> {
        let table = Table::open(&manifest.path)?;
        let file = table.position("file").or_else(|_| table.position("path"))?;
        let position = |name: &Option<String>| -> Result<Option<usize>, DatasetError> {
            name.as_ref().map(|name| table.position(name)).transpose()
        };
        let kind = position(&manifest.kind_column)?;
        let source = position(&manifest.source_column)?;
        let folder = manifest.path.parent().unwrap_or(Path::new("."));
        let row = |row: super::table::Row<'_>| {
            let cell = |position: Option<usize>| {
                position.map(|position| row.cell(position).to_owned()).filter(|it| !it.is_empty())
            };
            (file_key(&folder.join(row.cell(file))), (cell(kind), cell(source)))
        };
        let by_file = table.rows().map(row).collect();
        Ok(Self { manifest: manifest.path.clone(), by_file })
    }

    fn of(&self, path: &Path) -> Result<&(Option<String>, Option<String>), RecordingListError> {
        let row = self.by_file.get(&file_key(path));
        row.ok_or_else(|| RecordingListError::NotListed {
            manifest: self.manifest.clone(),
            recording: path.to_owned(),
        })
    }
}

/// The same for the same file, however its path is written.
fn file_key(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| plain(path))
}
