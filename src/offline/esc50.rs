//! ESC-50 as it is published: `meta/esc50.csv`, `audio/`, five folds in which clips of one recording stay together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::{Dataset, DatasetClip, DatasetError};
use crate::domain::LabelSet;

/// The columns that are read; the file has more.
#[derive(Debug, Deserialize)]
struct Row {
    filename: String,
    fold: u32,
    target: usize,
    category: String,
    #[serde(default)]
    license: String,
}

/// Reads the table; no recording is opened.
///
/// With `licences`, only rows whose column `license` is one of them are kept; every class stays a label.
///
/// # Errors
/// [`DatasetError`] when the table is missing, cannot be parsed, or leaves nothing.
pub fn read_esc50(folder: &Path, licences: &[String]) -> Result<Dataset, DatasetError> {
    let path = folder.join("meta/esc50.csv");
    if !path.is_file() {
        return Err(DatasetError::Layout {
            folder: folder.to_owned(),
            looked_for: "meta/esc50.csv",
        });
    }
    let table = |source| DatasetError::Table { path: path.clone(), source };
    let rows: Vec<Row> = csv::Reader::from_path(&path)
        .map_err(table)?
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(table)?;
    let labels = labels_of(&rows, &path)?;
    let kept = |row: &&Row| licences.is_empty() || licences.contains(&row.license);
    let clips: Vec<DatasetClip> = rows
        .iter()
        .filter(kept)
        .map(|row| DatasetClip {
            path: folder.join("audio").join(&row.filename),
            label: row.target,
            fold: row.fold,
        })
        .collect();
    let unknown = licences.iter().any(|wanted| rows.iter().all(|row| row.license != *wanted));
    if clips.is_empty() || unknown {
        let present: BTreeSet<&String> = rows.iter().map(|row| &row.license).collect();
        return Err(DatasetError::NothingLeft {
            path,
            licences: licences.to_vec(),
            present: present.into_iter().cloned().collect(),
        });
    }
    let terms = if licences.is_empty() { "CC BY-NC 3.0".into() } else { licences.join(" and ") };
    Ok(Dataset { name: "ESC-50".into(), terms, labels, clips })
}

fn labels_of(rows: &[Row], path: &Path) -> Result<LabelSet, DatasetError> {
    let mut names = BTreeMap::new();
    for row in rows {
        let name = names.entry(row.target).or_insert(&row.category);
        if **name != row.category {
            return Err(DatasetError::Target {
                path: path.to_owned(),
                target: row.target,
                found: row.category.clone(),
                expected: format!("earlier it was called {name:?}"),
            });
        }
    }
    if let Some(missing) = (0..names.len()).find(|target| !names.contains_key(target)) {
        return Err(DatasetError::Target {
            path: path.to_owned(),
            target: missing,
            found: String::new(),
            expected: "targets must number the classes 0, 1, 2, … without a hole".into(),
        });
    }
    let names: Vec<&String> = names.into_values().collect();
    LabelSet::new(&names).map_err(|source| DatasetError::Labels { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("meta")).unwrap();
        std::fs::write(folder.path().join("meta/esc50.csv"), text).unwrap();
        folder
    }

    #[test]
    fn rows_of_other_licences_are_left_out_and_their_labels_kept() {
        let folder = table(
            "filename,fold,target,category,esc10,src_file,take,license\n\
             a.ogg,1,0,dog,True,1,A,CC0\nb.ogg,2,1,cat,True,2,A,CC-BY-NC\n",
        );
        let dataset = read_esc50(folder.path(), &["CC0".into()]).unwrap();
        assert_eq!((dataset.clips.len(), dataset.labels.len()), (1, 2));
        assert_eq!(dataset.folds(&[2]).len(), 0);
        let error = read_esc50(folder.path(), &["MIT".into()]).unwrap_err().to_string();
        assert!(error.contains("CC-BY-NC"), "{error}");
    }

    #[test]
    fn a_class_with_two_names_is_refused() {
        let folder = table("filename,fold,target,category\na,1,0,dog\nb,1,0,cat\n");
        let error = read_esc50(folder.path(), &[]).unwrap_err().to_string();
        assert!(error.contains("\"cat\"") && error.contains("\"dog\""), "{error}");
    }

    #[test]
    fn another_folder_is_told_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_esc50(folder.path(), &[]).unwrap_err().to_string();
        assert!(error.contains("meta/esc50.csv"), "{error}");
    }
}
