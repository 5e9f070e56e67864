//! UrbanSound8K as it is published: `metadata/UrbanSound8K.csv`, `audio/fold1/` to `audio/fold10/`, folds in which slices
//! of one recording stay together. Read by `Dataset::open`.

use std::path::Path;

use super::assembly::{Content, Entry, Listing};
use super::class_numbers::{ClassNumbers, number_in};
use super::table::{Column, Row, Table};
use super::{DatasetError, audio_file};

/// Where the table is, from the set's folder.
pub(super) const TABLE: &str = "metadata/UrbanSound8K.csv";

/// The columns that are read.
struct Columns {
    file: Column,
    source: Column,
    fold: Column,
    number: Column,
    class: Column,
    licence: Option<Column>,
}

/// Reads the table. Classes are in the order of their numbers; the group is the Freesound recording, column `fsID`.
///
/// The columns `start` and `end` are not read: they say where a slice lies in the recording it was cut from, not in the
/// slice, which is a file of its own.
///
/// # Source
/// J. Salamon, C. Jacoby and J. P. Bello, A Dataset and Taxonomy for Urban Sound Research, 2014; file names are
/// `{fsID}-{classID}-{occurrence}-{slice}`.
pub(super) fn read(folder: &Path) -> Result<Listing, DatasetError> {
    let table = Table::open(&folder.join(TABLE))?;
    let columns = Columns {
        file: table.column("slice_file_name")?,
        source: table.column("fsID")?,
        fold: table.column("fold")?,
        number: table.column("classID")?,
        class: table.column("class")?,
        licence: table.licence(),
    };
    let numbered = table.rows().filter_map(|row| {
        Some((row.number(Some(columns.number)).ok()??, row.required(columns.class).ok()?))
    });
    let classes = ClassNumbers::of(numbered);
    let entries = table.rows().map(|row| {
        let fold = folder.join("audio").join(format!("fold{}", row.text(columns.fold)));
        Entry {
            path: audio_file::find(&[fold], row.text(columns.file)),
            place: row.place(),
            licence: columns.licence.map_or("", |column| row.text(column)).to_owned(),
            content: content(&row, &columns, &classes),
        }
    });
    Ok(Listing {
        name: "UrbanSound8K".to_owned(),
        terms: "CC BY-NC 3.0",
        entries: entries.collect(),
        classes: classes.names(),
        place: table.path.clone(),
    })
}

fn content(row: &Row<'_>, columns: &Columns, classes: &ClassNumbers) -> Result<Content, String> {
    let file = row.required(columns.file)?;
    let number = row.required_number(columns.number)?;
    let label = row.required(columns.class)?;
    classes.check(number, label, number_in(file, 1))?;
    Ok(Content {
        label: label.to_owned(),
        fold: Some(row.required_number(columns.fold)?),
        group: Some(row.required(columns.source)?.to_owned()),
        span: None,
    })
}
