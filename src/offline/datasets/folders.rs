//! One folder a class: the simplest layout there is. Read by `Dataset::open`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::DatasetError;
use super::assembly::{Content, Entry, Listing};
use super::audio_file::{FileKind, entries, kind_of, name_of, unreadable};
use super::{class_names, csv_list};
use crate::sources::{files_below, is_hidden};

/// Class folders, and what in them was passed over.
pub(super) struct Classes {
    files: BTreeMap<String, Vec<PathBuf>>,
    remarks: Vec<String>,
}

/// The class folders of `folder` by name, each with its files at whatever depth. A folder that is empty, or holds only
/// notes, tables and pictures, is no class.
pub(super) fn classes(folder: &Path) -> Result<Classes, DatasetError> {
    let (mut classes, mut remarks) = (BTreeMap::new(), Vec::new());
    for path in entries(folder)? {
        if path.is_dir() && !is_hidden(&path) {
            let name = path.file_name().unwrap_or_default();
            let Some(name) = name.to_str().map(str::to_owned) else {
                return Err(DatasetError::NotUtf8 { path });
            };
            let mut files = files_below(&path, &mut |remark| remarks.push(remark))
                .map_err(|source| unreadable(&path, source))?;
            files.retain(|path| kind_of(path) != FileKind::Companion);
            if files.is_empty() {
                remarks.push(format!(
                    "{}: no recording in this folder; it is no class",
                    path.display()
                ));
            } else {
                classes.insert(name, files);
            }
        }
    }
    Ok(Classes { files: classes, remarks })
}

/// Whether the files of these classes look like recordings at all.
pub(super) fn hold_recordings(classes: &Classes) -> bool {
    classes.files.values().flatten().any(|path| kind_of(path) == FileKind::Recording)
}

/// The recordings in a folder itself.
pub(super) fn recordings_in(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let is_recording = |path: &PathBuf| path.is_file() && kind_of(path) == FileKind::Recording;
    Ok(entries(folder)?.into_iter().filter(is_recording).collect())
}

/// Lists the recordings of every class folder. Files in folders within a class belong to the class; files beside the
/// class folders belong to none. There are no folds and no groups: each file counts as a recording of its own.
pub(super) fn read(folder: &Path) -> Result<Listing, DatasetError> {
    let Classes { files: classes, remarks } = classes(folder)?;
    remarks.iter().for_each(|remark| log::warn!("{remark}"));
    let beside = recordings_in(folder)?;
    if let [first, ..] = &beside[..] {
        log::warn!(
            "{}: {} recordings lie beside the class folders and belong to no class, {} among them",
            folder.display(),
            beside.len(),
            first.file_name().unwrap_or_default().display()
        );
    }
    for table in csv_list::tables_in(folder)? {
        log::info!(
            "{}: not read, for the names of the folders beside it are the classes",
            table.display()
        );
    }
    class_names::warn_of_folders(folder, &classes);
    let mut entries = Vec::new();
    for (label, files) in &classes {
        for path in files {
            let content = Content { label: label.clone(), fold: None, group: None, span: None };
            let content = match kind_of(path) {
                FileKind::Recording | FileKind::Companion => Ok(content),
                FileKind::Unknown => {
                    Err("its ending is not one of a recording that tympan reads; \
                     convert it (ffmpeg -i FILE out.wav), or move it away"
                        .to_owned())
                }
            };
            let (path, place, licence) = (path.clone(), String::new(), String::new());
            entries.push(Entry { path, place, licence, content });
        }
    }
    Ok(Listing {
        name: name_of(folder),
        terms: "not stated",
        place: folder.to_owned(),
        classes: classes.into_keys().collect(),
        entries,
    })
}
