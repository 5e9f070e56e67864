//! A table of recordings: the layout for whatever has none. Read by `Dataset::open`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::assembly::{Content, Entry, Listing};
use super::audio_file::{entries, find_listed, name_of, names_recording};
use super::table::{Column, Row, Table};
use super::{ClipSpan, DatasetError};
use crate::files;
use crate::sources::has_recording_ending;

/// Endings of tables that are read.
const TABLE_ENDINGS: [&str; 5] = ["csv", "tsv", "tab", "psv", "txt"];
/// Endings of tables that are not.
const SPREADSHEET_ENDINGS: [&str; 5] = ["xlsx", "xls", "xlsm", "ods", "numbers"];
/// Endings of what may be one: lists of labels, or notes.
const LIST_ENDINGS: [&str; 3] = ["json", "jsonl", "ndjson"];
/// So much of a list shows whether it names recordings.
const LIST_BEGINNING: u64 = 1 << 16;

/// Names that people give the column of files, beside `path`, without spaces, signs and capitals.
const PATH_NAMES: [&str; 19] = [
    "path",
    "file",
    "filename",
    "filepath",
    "fname",
    "slicefilename",
    "audiofile",
    "audiopath",
    "audiofilename",
    "wavfile",
    "wavpath",
    "wav",
    "audio",
    "recording",
    "clip",
    "datei",
    "dateiname",
    "pfad",
    "fichier",
];
/// Names that people give the column of classes, beside `label`.
const LABEL_NAMES: [&str; 14] = [
    "class",
    "category",
    "classname",
    "labelname",
    "classlabel",
    "labels",
    "tag",
    "tags",
    "species",
    "klasse",
    "kategorie",
    "bezeichnung",
    "classe",
    "categorie",
];
/// Names of columns that hold the class's number, which counts where nothing else does.
const NUMBER_NAMES: [&str; 5] = ["target", "classid", "labelid", "classnumber", "y"];

/// Rows above the header that are looked at.
const MAX_ROWS_ABOVE: usize = 20;

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

/// A table that says of recordings what they are.
struct LabelTable {
    table: Table,
    columns: Columns,
    /// What about it is worth a line.
    remarks: Vec<String>,
}

/// The one table of labels at the top of `folder`, if there is one.
///
/// # Errors
/// [`DatasetError::SeveralTables`]; [`DatasetError::Unclear`] and its like about a table that seems to be one and is not
/// plain: training on the names of folders instead would be a guess.
pub(super) fn table_in(folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
    let mut tables = Vec::new();
    for path in tables_in(folder)? {
        if LabelTable::open(&path)?.is_some() {
            tables.push(path);
        }
    }
    if tables.len() > 1 {
        let tables = tables.iter().map(|path| file_name(path)).collect();
        return Err(DatasetError::SeveralTables { folder: folder.to_owned(), tables });
    }
    Ok(tables.pop())
}

/// Every file at the top of `folder` that may be a table.
pub(super) fn tables_in(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let may_be = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_hidden = file_name(path).starts_with(['.', '~']);
        let known = [&TABLE_ENDINGS[..], &SPREADSHEET_ENDINGS, &LIST_ENDINGS].concat();
        let is_table = known.contains(&&*ending);
        is_table && !is_hidden && path.is_file()
    };
    Ok(entries(folder)?.into_iter().filter(may_be).collect())
}

/// Whether a JSON file has names of recordings in it.
fn list_names_recordings(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = files::open_regular_within(path)
        .and_then(|file| file.take(LIST_BEGINNING).read_to_end(&mut beginning));
    let text = String::from_utf8_lossy(&beginning).to_lowercase();
    read.is_ok() && text.split('"').any(|word| has_recording_ending(Path::new(word)))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads the table at `path`, or the one in that folder. Paths are relative to the table. Classes are by name.
pub(super) fn read(path: &Path) -> Result<Listing, DatasetError> {
    let absent = || DatasetError::Absent { path: path.to_owned() };
    let place = if path.is_dir() { table_in(path)?.ok_or_else(absent)? } else { path.to_owned() };
    let Some(LabelTable { table, columns, remarks }) = LabelTable::open(&place)? else {
        return Err(DatasetError::NoLabelTable { path: place });
    };
    table.report_remarks();
    remarks.iter().for_each(|remark| log::info!("{}: {remark}", place.display()));
    let folder = place.parent().unwrap_or(Path::new("."));
    let width = table.width();
    let mut moved: Option<(String, PathBuf, usize)> = None;
    let mut entries = Vec::new();
    for row in table.rows() {
        let written = row.text(columns.path);
        let file = find_listed(folder, written);
        if file.is_elsewhere {
            moved.get_or_insert_with(|| (written.to_owned(), file.path.clone(), 0)).2 += 1;
        }
        if written.starts_with('#') && !file.path.exists() {
            log::info!("{}: a comment", row.place());
            continue;
        }
        entries.push(Entry {
            path: file.path,
            place: row.place(),
            licence: columns.licence.map_or("", |column| row.text(column)).to_owned(),
            content: file.fault.map_or_else(|| content(&row, &columns, &table, width), Err),
        });
    }
    if let Some((written, found, times)) = moved {
        log::warn!(
            "{}: {times} recordings are not where it says, and were found below its own folder: {written:?} is {}",
            place.display(),
            found.display()
        );
    }
    warn_of_spaces(&table, columns.label);
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

/// Spaces around a label do not count; where they would have made another class, that is said.
fn warn_of_spaces(table: &Table, label: Column) {
    let mut written: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in table.rows() {
        written.entry(row.text(label)).or_default().insert(row.as_written(label));
    }
    for (label, spellings) in written.into_iter().filter(|(_, spellings)| spellings.len() > 1) {
        let spellings: Vec<String> = spellings.iter().map(|it| format!("{it:?}")).collect();
        log::warn!(
            "{}: {} are one class, {label:?}: spaces around a label do not count",
            table.path.display(),
            spellings.join(" and ")
        );
    }
}

impl LabelTable {
    /// Finds out what a table says; none when it has nothing to do with labels of recordings.
    fn open(path: &Path) -> Result<Option<Self>, DatasetError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if SPREADSHEET_ENDINGS.contains(&&*ending) {
            let reason = "tympan does not read this kind of table; save it as CSV".to_owned();
            return Err(DatasetError::TableUnread { path: path.to_owned(), reason });
        }
        if LIST_ENDINGS.contains(&&*ending) {
            if !list_names_recordings(path) {
                return Ok(None);
            }
            let reason = "tympan reads no labels from JSON; write them as CSV".to_owned();
            return Err(DatasetError::TableUnread { path: path.to_owned(), reason });
        }
        let table = Table::open_headless(path)?;
        let is_notes = ending == "txt";
        let header = table.rows().take(MAX_ROWS_ABOVE).position(|row| {
            let named = Named::of(&row);
            named.path.is_some() && (named.label.is_some() || named.labels.len() > 1)
        });
        if let Some(at) = header {
            return Self::with_header(table, at).map(Some);
        }
        if table.rows().next().is_none() && !is_notes {
            let reason =
                "the table is empty; delete it, or write a row for each recording".to_owned();
            return Err(DatasetError::TableUnread { path: path.to_owned(), reason });
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let Some(path_at) = column_of_recordings(&table, folder) else { return Ok(None) };
        Self::by_content(table, path_at, folder)
    }

    /// A table whose header names the columns.
    fn with_header(table: Table, at: usize) -> Result<Self, DatasetError> {
        let (named, line) =
            table.rows().nth(at).map(|row| (Named::of(&row), row.line())).unwrap_or_default();
        let (Some(path), Some(label)) = (named.path, named.label) else {
            let reason = format!(
                "the columns {} may all be the classes; call the one that is meant label",
                named.labels.join(", ")
            );
            return Err(DatasetError::Unclear { path: table.path, line, reason });
        };
        let mut remarks = Vec::new();
        let header = table
            .rows()
            .nth(at)
            .map(|row| row.cells().map(str::to_owned).collect::<Vec<_>>())
            .unwrap_or_default();
        if at > 0 {
            remarks.push(format!(
                "its columns are named in line {line}; what stands above is passed over"
            ));
        }
        let table = table.with_header_at(at);
        let (path_name, label_name) = (&header[path], &header[label]);
        if !(path_name.eq_ignore_ascii_case("path") && label_name.eq_ignore_ascii_case("label")) {
            remarks
                .push(format!("files are in its column {path_name:?}, classes in {label_name:?}"));
        }
        Ok(Self::new(table, path, label, remarks))
    }

    /// A table whose cells show which column is which: one of recordings, and one other.
    fn by_content(
        table: Table,
        path_at: usize,
        folder: &Path,
    ) -> Result<Option<Self>, DatasetError> {
        let filled = |column: usize| table.rows().any(|row| !row.cell(column).is_empty());
        let others: Vec<usize> =
            (0..table.width()).filter(|&it| it != path_at && filled(it)).collect();
        let Some(first) = table.rows().next() else { return Ok(None) };
        let has_header = !names_recording(folder, first.cell(path_at));
        let named = if has_header { Named::of(&first) } else { Named::default() };
        let header: Vec<String> = first.cells().map(str::to_owned).collect();
        let line = first.line();
        let label = match (named.label, &others[..]) {
            (Some(label), _) => Some(label),
            (None, []) => return Ok(None),
            (None, &[only]) => {
                let cells: Vec<&str> =
                    table.rows().skip(usize::from(has_header)).map(|row| row.cell(only)).collect();
                let distinct: BTreeSet<&&str> = cells.iter().collect();
                let is_measure = cells
                    .iter()
                    .any(|cell| cell.parse::<f64>().is_ok() && cell.parse::<i64>().is_err());
                ((!has_header || distinct.len() < cells.len()) && !is_measure).then_some(only)
            }
            (None, _) => None,
        };
        let Some(label) = label else {
            let found = if has_header {
                format!("the columns are {}", header.join(", "))
            } else {
                format!("the table has no header, and {} columns", table.width())
            };
            let reason = format!(
                "{found} (read as separated by {}); which one holds the classes is not plain. Write a first line that \
                 calls it label, and the one of the files path",
                table.separator()
            );
            return Err(DatasetError::Unclear { path: table.path, line, reason });
        };
        let remark = if has_header {
            format!("files are in its column {:?}, classes in {:?}", header[path_at], header[label])
        } else {
            format!(
                "it has no header; files are in column {}, classes in column {}",
                path_at + 1,
                label + 1
            )
        };
        let table = if has_header { table.with_header_at(0) } else { table };
        Ok(Some(Self::new(table, path_at, label, vec![remark])))
    }

    fn new(table: Table, path: usize, label: usize, remarks: Vec<String>) -> Self {
        let columns = Columns {
            path: Column::new(path, "path"),
            label: Column::new(label, "label"),
            fold: table.optional("fold"),
            group: table.optional("group"),
            start: table.optional("start"),
            end: table.optional("end"),
            licence: table.licence(),
        };
        Self { table, columns, remarks }
    }
}

/// What the names in a row say, if it is a header.
#[derive(Default)]
struct Named {
    path: Option<usize>,
    /// None where several may be it.
    label: Option<usize>,
    /// Those that may be the label's.
    labels: Vec<String>,
}

impl Named {
    fn of(row: &Row<'_>) -> Self {
        let letters = |cell: &str| -> String {
            cell.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let names: Vec<String> = row.cells().map(letters).collect();
        let at = |known: &str| names.iter().position(|name| name == known);
        let path = PATH_NAMES.into_iter().find_map(at);
        let among = |known: &[&str]| -> Vec<usize> {
            (0..names.len()).filter(|&it| known.contains(&&*names[it])).collect()
        };
        let candidates = match at("label") {
            Some(label) => vec![label],
            None => [among(&LABEL_NAMES), among(&NUMBER_NAMES)]
                .into_iter()
                .find(|it| !it.is_empty())
                .unwrap_or_default(),
        };
        let label = if let [only] = candidates[..] { Some(only) } else { None };
        let labels = candidates.into_iter().map(|it| row.cell(it).to_owned()).collect();
        Self { path, label, labels }
    }
}

/// The column whose cells name recordings, in most of the first rows.
fn column_of_recordings(table: &Table, folder: &Path) -> Option<usize> {
    let rows: Vec<Row<'_>> = table.rows().take(MAX_ROWS_ABOVE).collect();
    let named =
        |column: usize| rows.iter().filter(|row| names_recording(folder, row.cell(column))).count();
    let best = (0..table.width()).rev().max_by_key(|&column| named(column))?;
    (named(best) > 0 && named(best) * 2 >= rows.len()).then_some(best)
}

fn content(
    row: &Row<'_>,
    columns: &Columns,
    table: &Table,
    width: usize,
) -> Result<Content, String> {
    row.required(columns.path)?;
    let label = row.required(columns.label)?;
    if label.chars().any(char::is_control) {
        return Err(format!("its label {label:?} is not text on one line"));
    }
    if row.cells().skip(width).any(|cell| !cell.is_empty()) {
        return Err(format!(
            "its row has more than the table's {width} cells; put a cell that holds one of the {} that separate them in \
             double quotes",
            table.separator()
        ));
    }
    let group = columns.group.map_or("", |column| row.text(column));
    Ok(Content {
        label: label.to_owned(),
        fold: row.number(columns.fold)?,
        group: (!group.is_empty()).then(|| group.to_owned()),
        span: span(row, columns, table)?,
    })
}

fn span(row: &Row<'_>, columns: &Columns, table: &Table) -> Result<Option<ClipSpan>, String> {
    let seconds = |column: Option<Column>, name: &str| -> Result<Option<Duration>, String> {
        let seconds =
            if table.has_decimal_commas() { row.decimal(column)? } else { row.number(column)? };
        let Some(seconds) = seconds else { return Ok(None) };
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
