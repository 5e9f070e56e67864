//! A CSV of recordings: the layout for whatever has none. Read by `Dataset::open`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::assembly::{Content, Entry, Listing};
use super::folders::{entries, name_of};
use super::table::{Column, Row, Table};
use super::{ClipSpan, DatasetError};

/// The columns that are read.
struct Columns {
    path: Column,
    label: Column,
    fold: Option<Column>,
    group: Option<Column>,
    start: Option<Column>,
    end: Option<Column>,
    licence: Option<Column>,
}

/// The one CSV at the top of `folder` that has the columns `path` and `label`, if there is one. Tables that cannot be read
/// are none: others may have left them there.
pub(super) fn table_in(folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
    let is_csv = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) && path.is_file()
    };
    let has_columns = |path: &PathBuf| {
        Table::open(path)
            .is_ok_and(|table| table.column("path").is_ok() && table.column("label").is_ok())
    };
    let mut tables: Vec<PathBuf> =
        entries(folder)?.into_iter().filter(|path| is_csv(path) && has_columns(path)).collect();
    if tables.len() > 1 {
        let name =
            |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let tables = tables.iter().map(name).collect();
        return Err(DatasetError::SeveralTables { folder: folder.to_owned(), tables });
    }
    Ok(tables.pop())
}

/// Reads the table at `path`, or the one in that folder. Paths are relative to the table. Classes are by name.
pub(super) fn read(path: &Path) -> Result<Listing, DatasetError> {
    let absent = || DatasetError::Absent { path: path.to_owned() };
    let place = if path.is_dir() { table_in(path)?.ok_or_else(absent)? } else { path.to_owned() };
    let table = Table::open(&place)?;
    let columns = Columns {
        path: table.column("path")?,
        label: table.column("label")?,
        fold: table.optional("fold"),
        group: table.optional("group"),
        start: table.optional("start"),
        end: table.optional("end"),
        licence: table.licence(),
    };
    let folder = place.parent().unwrap_or(Path::new("."));
    let entries: Vec<Entry> = table
        .rows()
        .map(|row| Entry {
            path: folder.join(row.text(columns.path)),
            place: row.place(),
            licence: columns.licence.map_or("", |column| row.text(column)).to_owned(),
            content: content(&row, &columns),
        })
        .collect();
    let contents = entries.iter().filter_map(|entry| entry.content.as_ref().ok());
    let classes: BTreeSet<&String> = contents.map(|content| &content.label).collect();
    Ok(Listing {
        name: name_of(path),
        terms: "not stated",
        classes: classes.into_iter().cloned().collect(),
        entries,
        place,
    })
}

fn content(row: &Row<'_>, columns: &Columns) -> Result<Content, String> {
    row.required(columns.path)?;
    let label = row.required(columns.label)?;
    if label.chars().any(char::is_control) {
        return Err(format!("its label {label:?} is not text on one line"));
    }
    let group = columns.group.map_or("", |column| row.text(column));
    Ok(Content {
        label: label.to_owned(),
        fold: row.number(columns.fold)?,
        group: (!group.is_empty()).then(|| group.to_owned()),
        span: span(row, columns)?,
    })
}

fn span(row: &Row<'_>, columns: &Columns) -> Result<Option<ClipSpan>, String> {
    let seconds = |column: Option<Column>, name: &str| -> Result<Option<Duration>, String> {
        let Some(seconds) = row.number::<f64>(column)? else { return Ok(None) };
        Duration::try_from_secs_f64(seconds)
            .map(Some)
            .map_err(|_| format!("its {name} is {seconds} s; times are counted from 0 on"))
    };
    let (start, end) = (seconds(columns.start, "start")?, seconds(columns.end, "end")?);
    if start.is_none() && end.is_none() {
        return Ok(None);
    }
    let start = start.unwrap_or(Duration::ZERO);
    match end {
        Some(end) if end <= start => Err(format!(
            "its part ends at {} s and begins at {} s",
            end.as_secs_f64(),
            start.as_secs_f64()
        )),
        _ => Ok(Some(ClipSpan { start, end })),
    }
}
