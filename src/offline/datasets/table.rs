//! The tables that describe datasets, in the dialects that programs write: columns by name, rows with their line. Read by
//! the layouts that have a table.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};

use super::DatasetError;
use super::table_text::TableText;

/// What stands between cells, in the order in which it is looked for.
const SEPARATORS: [u8; 5] = [b',', b';', b'\t', b'|', b' '];

/// Rows that the separator is found out by.
const PROBED_ROWS: usize = 50;

/// A table in memory; a few thousand rows at most describe a dataset.
pub(super) struct Table {
    pub(super) path: PathBuf,
    header: StringRecord,
    rows: Vec<StringRecord>,
    /// What was guessed of its encoding, and what was passed over.
    remarks: Vec<String>,
    separator: u8,
}

/// A column that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    index: usize,
    name: &'static str,
}

impl Column {
    pub(super) fn new(index: usize, name: &'static str) -> Self {
        Self { index, name }
    }
}

/// A row and its place.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Path,
    record: &'a StringRecord,
}

impl Table {
    /// Reads a table whose first row names its columns; spaces around cells do not count, and a row may have fewer cells
    /// than the header.
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let table = Self::open_headless(path)?;
        let table = table.with_header_at(0);
        table.report_remarks();
        Ok(table)
    }

    /// Reads all rows as rows. Lines that begin with `#` and have another number of cells than most are comments, and
    /// Excel's `sep=;` is none.
    pub(super) fn open_headless(path: &Path) -> Result<Self, DatasetError> {
        let TableText { text, guess } = TableText::open(path)?;
        let (named, skipped) = named_separator(&text).unzip();
        let table = &text[skipped.unwrap_or(0)..];
        let separator = named.unwrap_or_else(|| likely_separator(table));
        let failed = |source| DatasetError::Table { path: path.to_owned(), source };
        let mut rows = records(table, separator, usize::MAX).map_err(failed)?;
        for row in rows.iter_mut().filter(|_| skipped.is_some()) {
            let mut place = row.position().cloned().unwrap_or_else(csv::Position::new);
            place.set_line(place.line() + 1);
            row.set_position(Some(place));
        }
        let usual = usual_cells(&rows);
        rows.retain(|row| {
            let begins = row.get(0).unwrap_or_default().trim_start();
            let is_comment = begins.starts_with('#') && row.len() != usual;
            !is_comment && row.iter().any(|cell| !trimmed(cell).is_empty())
        });
        Ok(Self {
            path: path.to_owned(),
            header: StringRecord::new(),
            rows,
            remarks: guess.into_iter().collect(),
            separator,
        })
    }

    /// Says what was guessed of its encoding, and what was passed over.
    pub(super) fn report_remarks(&self) {
        for remark in &self.remarks {
            log::warn!("{}: {remark}", self.path.display());
        }
    }

    /// The same, with the row at `index` as the header; what is above it is dropped.
    pub(super) fn with_header_at(mut self, index: usize) -> Self {
        self.rows.drain(..index.min(self.rows.len()));
        if !self.rows.is_empty() {
            self.header = self.rows.remove(0);
        }
        let header = &self.header;
        let again = self.rows.iter().filter(|row| *row == header).count();
        if again > 0 {
            self.remarks.push(format!("its header stands in it {} times", again + 1));
            let header = self.header.clone();
            self.rows.retain(|row| *row != header);
        }
        self
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
            found: self.header.iter().map(|cell| trimmed(cell).to_owned()).collect(),
        })
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|cell| trimmed(cell).eq_ignore_ascii_case(name))
    }

    /// The column of licences, in either spelling.
    pub(super) fn licence(&self) -> Option<Column> {
        self.optional("license").or_else(|| self.optional("licence"))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: &self.path, record })
    }

    /// Cells of the header, or of most rows where there is none.
    pub(super) fn width(&self) -> usize {
        if self.header.is_empty() { usual_cells(&self.rows) } else { self.header.len() }
    }

    /// Whether a comma may be a decimal one: it separates no cells.
    pub(super) fn has_decimal_commas(&self) -> bool {
        self.separator != b','
    }

    /// What stands between its cells, in words.
    pub(super) fn separator(&self) -> &'static str {
        match self.separator {
            b';' => "semicolons",
            b'\t' => "tabs",
            b'|' => "bars",
            b' ' => "spaces",
            _ => "commas",
        }
    }
}

/// Excel's first line `sep=;`: the separator, and the bytes of the line.
fn named_separator(text: &str) -> Option<(u8, usize)> {
    let line = text.split_inclusive('\n').next()?;
    let named = line.trim_end_matches('\n').trim_matches('"').strip_prefix("sep=")?;
    let [separator] = named.as_bytes() else { return None };
    Some((*separator, line.len()))
}

/// The separator that cuts most of the first rows into the same number of cells, more than one.
fn likely_separator(text: &str) -> u8 {
    let share = |separator: u8| {
        let rows = records(text, separator, PROBED_ROWS).unwrap_or_default();
        let usual = usual_cells(&rows);
        let alike = rows.iter().filter(|row| row.len() == usual).count();
        // words have spaces between them: only a table of two columns is told from prose
        let is_table = usual > 1 && (separator != b' ' || usual == 2 && alike == rows.len());
        if is_table { alike as f64 / rows.len() as f64 } else { 0.0 }
    };
    let shares = SEPARATORS.map(|separator| (separator, share(separator)));
    // of equals the first
    let best = shares.into_iter().rev().max_by(|one, other| one.1.total_cmp(&other.1));
    best.filter(|best| best.1 > 0.0).map_or(SEPARATORS[0], |best| best.0)
}

fn records(text: &str, separator: u8, most: usize) -> Result<Vec<StringRecord>, csv::Error> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(separator);
    builder.from_reader(text.as_bytes()).records().take(most).collect()
}

/// How many cells most rows have; of equals the most.
fn usual_cells(rows: &[StringRecord]) -> usize {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    rows.iter().for_each(|row| *counts.entry(row.len()).or_default() += 1);
    counts.into_iter().max_by_key(|&(cells, count)| (count, cells)).map_or(0, |it| it.0)
}

/// Without spaces around it, those included that cannot be seen.
fn trimmed(cell: &str) -> &str {
    cell.trim_matches(|it: char| it.is_whitespace() || matches!(it, '\u{feff}' | '\u{200b}'))
}

impl<'a> Row<'a> {
    /// A cell's text; empty where the row has no such cell.
    pub(super) fn text(&self, column: Column) -> &'a str {
        self.cell(column.index)
    }

    /// The text of the cell at a position; empty where the row is shorter.
    pub(super) fn cell(&self, position: usize) -> &'a str {
        trimmed(self.record.get(position).unwrap_or_default())
    }

    /// A cell as it was written, with the spaces around it.
    pub(super) fn as_written(&self, column: Column) -> &'a str {
        self.record.get(column.index).unwrap_or_default()
    }

    /// The text of every cell.
    pub(super) fn cells(&self) -> impl Iterator<Item = &'a str> {
        self.record.iter().map(trimmed)
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
            text => parse(text, column).map(Some),
        }
    }

    /// As [`Self::number`], of a table in which a comma may stand before the decimals.
    pub(super) fn decimal(&self, column: Option<Column>) -> Result<Option<f64>, String> {
        match column.map(|column| (column, self.text(column))) {
            None | Some((_, "")) => Ok(None),
            Some((column, text)) => parse(&text.replacen(',', ".", 1), column).map(Some),
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

    /// Its line in the file.
    pub(super) fn line(&self) -> usize {
        self.record.position().map_or(0, |place| place.line() as usize)
    }

    /// `esc50.csv:14`.
    pub(super) fn place(&self) -> String {
        let name = self.table.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}:{}", self.line())
    }
}

fn parse<N: FromStr<Err: Display>>(text: &str, column: Column) -> Result<N, String> {
    text.parse().map_err(|error| {
        format!("its column {} is {text:?}, which is no such number ({error})", column.name)
    })
}
