//! ESC-50 as it is published: `meta/esc50.csv`, `audio/`, five folds that were made so that clips of one recording stay
//! together. Read by `Dataset::open`.

use std::path::Path;

use super::assembly::{Content, Entry, Listing};
use super::class_numbers::{ClassNumbers, number_in};
use super::table::{Column, Row, Table};
use super::{DatasetError, Subset, audio_file};

/// Where the table is, from the set's folder.
pub(super) const TABLE: &str = "meta/esc50.csv";

/// The columns that are read.
struct Columns {
    file: Column,
    fold: Column,
    target: Column,
    category: Column,
    source: Option<Column>,
    licence: Option<Column>,
}

/// Reads the table. Classes are in the order of their numbers; the group is the Freesound recording, column `src_file`.
///
/// # Source
/// K. J. Piczak, ESC: Dataset for Environmental Sound Classification, 2015; file names are
/// `{fold}-{Freesound id}-{take}-{target}`.
pub(super) fn read(folder: &Path, subset: Option<Subset>) -> Result<Listing, DatasetError> {
    let table = Table::open(&folder.join(TABLE))?;
    let columns = Columns {
        file: table.column("filename")?,
        fold: table.column("fold")?,
        target: table.column("target")?,
        category: table.column("category")?,
        source: table.optional("src_file"),
        licence: table.licence(),
    };
    let rows: Vec<Row<'_>> = match subset {
        None => table.rows().collect(),
        Some(Subset::Esc10) => {
            let place = table.path.clone();
            let column = table.optional("esc10").ok_or(DatasetError::NoSubset { place })?;
            table.rows().filter(|row| row.text(column).eq_ignore_ascii_case("true")).collect()
        }
    };
    let numbered = rows.iter().filter_map(|row| {
        Some((row.number(Some(columns.target)).ok()??, row.required(columns.category).ok()?))
    });
    let classes = ClassNumbers::of(numbered);
    let audio = [folder.join("audio")];
    let entries = rows.iter().map(|row| Entry {
        path: audio_file::find(&audio, row.text(columns.file)),
        place: row.place(),
        licence: columns.licence.map_or("", |column| row.text(column)).to_owned(),
        content: content(row, &columns, &classes),
    });
    Ok(Listing {
        // of a subset too: its clips may have been trained on with all the others
        name: "ESC-50".to_owned(),
        terms: "CC BY-NC 3.0",
        entries: entries.collect(),
        classes: classes.names(),
        place: table.path,
    })
}

fn content(row: &Row<'_>, columns: &Columns, classes: &ClassNumbers) -> Result<Content, String> {
    let file = row.required(columns.file)?;
    let target = row.required_number(columns.target)?;
    let label = row.required(columns.category)?;
    classes.check(target, label, number_in(file, 3))?;
    let source = columns.source.map_or("", |column| row.text(column));
    Ok(Content {
        label: label.to_owned(),
        fold: Some(row.required_number(columns.fold)?),
        group: (!source.is_empty()).then(|| source.to_owned()),
        span: None,
    })
}
