//! The CSV files that describe datasets: columns by name, rows with their line. Read by the layouts that have a table.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::DatasetError;

/// A table in memory; a few thousand rows at most describe a dataset.
pub(super) struct Table {
    pub(super) path: PathBuf,
    header: StringRecord,
    rows: Vec<StringRecord>,
}

/// A column that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    index: usize,
    name: &'static str,
}

/// A row and its place.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Path,
    record: &'a StringRecord,
}

impl Table {
    /// Reads all rows; spaces around cells do not count, and a row may have fewer cells than the header.
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Table { path: path.to_owned(), source };
        let mut reader =
            ReaderBuilder::new().trim(Trim::All).flexible(true).from_path(path).map_err(failed)?;
        let header = reader.headers().map_err(failed)?.clone();
        let rows = reader.records().collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { path: path.to_owned(), header, rows })
    }

    /// A column that has to be there.
    pub(super) fn column(&self, name: &'static str) -> Result<Column, DatasetError> {
        Ok(Column { index: self.position(name)?, name })
    }

    /// A column that may be there.
    pub(super) fn optional(&self, name: &'static str) -> Option<Column> {
        Some(Column { index: self.find(name)?, name })
    }

    /// Where a column is that has to be there.
    pub(super) fn position(&self, name: &str) -> Result<usize, DatasetError> {
        self.find(name).ok_or_else(|| DatasetError::Column {
            path: self.path.clone(),
            missing: name.to_owned(),
            found: self.header.iter().map(str::to_owned).collect(),
        })
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|cell| cell.eq_ignore_ascii_case(name))
    }

    /// The column of licences, in either spelling.
    pub(super) fn licence(&self) -> Option<Column> {
        self.optional("license").or_else(|| self.optional("licence"))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: &self.path, record })
    }
}

impl<'a> Row<'a> {
    /// A cell's text; empty where the row has no such cell.
    pub(super) fn text(&self, column: Column) -> &'a str {
        self.cell(column.index)
    }

    /// The text of the cell at a position; empty where the row is shorter.
    pub(super) fn cell(&self, position: usize) -> &'a str {
        self.record.get(position).unwrap_or_default()
    }

    /// A cell's text, which must not be empty.
    pub(super) fn required(&self, column: Column) -> Result<&'a str, String> {
        match self.text(column) {
            "" => Err(format!("its column {} is empty", column.name)),
            text => Ok(text),
        }
    }

    /// A cell's number; none where the cell is empty or there is no such column.
    pub(super) fn number<N: FromStr<Err: Display>>(
        &self,
        column: Option<Column>,
    ) -> Result<Option<N>, String> {
        let Some(column) = column else { return Ok(None) };
        match self.text(column) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|error| {
                format!("its column {} is {text:?}, which is no such number ({error})", column.name)
            }),
        }
    }

    /// A cell's number, which has to be there.
    pub(super) fn required_number<N: FromStr<Err: Display>>(
        &self,
        column: Column,
    ) -> Result<N, String> {
        self.required(column)?;
        self.number(Some(column))?.ok_or_else(|| format!("its column {} is empty", column.name))
    }

    /// `esc50.csv:14`.
    pub(super) fn place(&self) -> String {
        let name = self.table.file_name().unwrap_or_default().to_string_lossy();
        let line = self.record.position().map_or(0, csv::Position::line);
        format!("{name}:{line}")
    }
}
