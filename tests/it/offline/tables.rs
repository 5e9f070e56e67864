//! Tables of labels as programs of spreadsheets write them: read where it is plain what they say, refused with line and
//! mend where it is not, and never passed over for the names of folders.

use tympan::offline::{Dataset, DatasetError, DatasetOptions, Layout};

use super::{Folder, labels, says};

/// Two classes in one folder `a`, which would be a class if the table were passed over.
fn folder_with(name: &str, table: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::new();
    folder.sounds(&["a/high0.wav", "a/high1.wav", "a/low0.wav", "a/low1.wav"]);
    folder.write(name, table);
    folder
}

const ROWS: [(&str, &str); 4] = [
    ("a/high0.wav", "high"),
    ("a/high1.wav", "high"),
    ("a/low0.wav", "low"),
    ("a/low1.wav", "low"),
];

fn table(head: &str, separator: &str) -> String {
    let rows = ROWS.map(|(path, label)| format!("{path}{separator}{label}\n"));
    format!("{}{}", head.replace(',', separator), rows.concat())
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[track_caller]
fn reads(name: &str, table: impl AsRef<[u8]>) -> Dataset {
    let dataset = folder_with(name, table).open().unwrap();
    assert_eq!(dataset.layout, Layout::Csv);
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
    assert_eq!((labels(&dataset), dataset.clips.len()), (vec!["high".into(), "low".into()], 4));
    dataset
}

#[track_caller]
fn refused(name: &str, table: impl AsRef<[u8]>, words: &[&str]) {
    let error = folder_with(name, table).open().unwrap_err().to_string();
    says(&error, words);
}

#[test]
fn every_separator_is_found_out() {
    for separator in [",", ";", "\t", "|"] {
        reads("list.csv", table("path,label\n", separator));
        reads("list.csv", table("", separator));
    }
    reads("list.tsv", table("path,label\n", "\t"));
    reads("list.txt", table("", " "));
    reads("list.csv", format!("sep=;\n{}", table("path,label\n", ";")));
    reads("list.csv", table("path,label\n", ",").replace('\n', "\r"));
    reads("list.csv", table("path,label,\n", ",").replace("high\n", "high,\n"));
}

#[test]
fn every_encoding_is_found_out() {
    let text = table("path,label\n", "\t").replace('\n', "\r\n");
    reads("list.csv", format!("\u{feff}{text}"));
    reads("list.txt", utf16(&format!("\u{feff}{text}"), u16::to_le_bytes));
    reads("list.csv", utf16(&format!("\u{feff}{text}"), u16::to_be_bytes));
    reads("list.csv", utf16(&text, u16::to_le_bytes));
    let latin1 = b"path;label\na/high0.wav;T\xfcr\na/low0.wav;K\xfcche\n";
    let dataset = folder_with("list.csv", latin1).open().unwrap();
    assert_eq!(labels(&dataset), ["Küche", "Tür"]);
    refused(
        "list.csv",
        table("path,label\n", ",").replace("low0", "lo\0w0"),
        &["list.csv:4", "no text", "UTF-8"],
    );
}

#[test]
fn columns_are_found_by_their_names_or_by_what_is_in_them() {
    for head in [
        "filename,category\n",
        "File Name,Class\n",
        "Path,LABEL\n",
        "Datei,Klasse\n",
        "#path,label\n",
    ] {
        reads("list.csv", table(head, ","));
    }
    // a name that nobody foresaw, above cells that show what it is
    reads("list.csv", table("Aufnahme,Geräusch\n", ","));
    reads(
        "list.csv",
        ",path,label\n0,a/high0.wav,high\n1,a/high1.wav,high\n2,a/low0.wav,low\n3,a/low1.wav,low\n",
    );
    let esc50 = "filename,fold,target,category\na/high0.wav,1,0,high\na/high1.wav,2,0,high\na/low0.wav,1,1,low\na/low1.wav,2,1,low\n";
    assert_eq!(reads("list.csv", esc50).folds().len(), 2);
    let swapped = ROWS.map(|(path, label)| format!("{label},{path}\n")).concat();
    reads("list.csv", swapped);
}

#[test]
fn lines_that_are_no_rows_are_passed_over() {
    reads("list.csv", format!("# made by me\n{}# that was it\n", table("path,label\n", ",")));
    reads("list.csv", format!("# made by me, 2024\n\n{}", table("path,label\n", ",")));
    reads("list.csv", format!("Export of the recorder\nMonday\n{}", table("path,label\n", ";")));
    let rows = table("path,label\n", ",");
    reads("list.csv", rows.replace("a/low0", "path,label\na/low0").replace('\n', "\n\n"));
}

#[test]
fn recordings_are_found_where_the_table_does_not_quite_say() {
    let rows = table("path,label\n", ",");
    for prefix in
        ["C:\\Users\\me\\data\\a\\", "/home/somebody/data/a/", "~/x/a/", "./a/", "data/a/", ""]
    {
        reads("list.csv", rows.replace("a/", prefix));
    }
    reads("list.csv", rows.replace(".wav", ""));
    reads("list.csv", rows.replace(".wav", ".mp3"));
    let folder = folder_with("list.csv", rows.replace("a/", ""));
    folder.sounds(&["b/high0.wav"]);
    says(
        &folder.open().unwrap().faults[0].to_string(),
        &["high0.wav", "a/high0.wav", "b/high0.wav", "list.csv:2"],
    );
    // composed otherwise than in the table, as files from a Mac are
    let folder = Folder::new();
    folder.sounds(&["tu\u{308}r.wav", "b.wav"]);
    folder.write("list.csv", "path,label\nt\u{fc}r.wav,door\nb.wav,bell\n");
    assert_eq!(folder.open().unwrap().clips.len(), 2);
}

#[test]
fn a_table_that_is_not_plain_is_never_passed_over() {
    let rows = ROWS.map(|(path, label)| format!("{path},{label},{}\n", label.len())).concat();
    refused(
        "list.csv",
        &rows,
        &["list.csv:1", "no header, and 3 columns", "commas", "--layout folders"],
    );
    refused(
        "list.csv",
        format!("a,b,c\n{rows}"),
        &["list.csv:1", "the columns are a, b, c", "label"],
    );
    refused(
        "list.csv",
        format!("file,class,category\n{rows}"),
        &["list.csv:1", "class, category", "label"],
    );
    refused(
        "list.csv",
        "file,seconds\na/high0.wav,1.25\na/low0.wav,2\n",
        &["list.csv:1", "file, seconds"],
    );
    refused("list.csv", "", &["list.csv", "is empty", "--layout folders"]);
    refused("list.csv", "path,label\n", &["list.csv", "names no recording"]);
    refused("labels.xlsx", "PK", &["labels.xlsx", "save it as CSV", "--layout folders"]);
    refused("labels.json", r#"{"a/high0.wav": "high"}"#, &["labels.json", "as CSV"]);
    let options = DatasetOptions { layout: Some(Layout::Folders), ..DatasetOptions::default() };
    let named = Dataset::open(folder_with("list.csv", &rows).path(), &options).unwrap();
    assert_eq!(labels(&named), ["a"]);
}

#[test]
fn what_is_no_table_of_labels_is_none() {
    for (name, text) in [
        ("notes.txt", "Recorded on Monday,\nin the kitchen.\n"),
        ("testing_list.txt", "a/high0.wav\na/low0.wav\n"),
        ("seconds.csv", "a,b\n1,2\n"),
        ("empty.txt", ""),
        ("recorder.json", r#"{"rate": 48000, "notes": "by the window"}"#),
        (".list.csv", "path,label\na/high0.wav,high\n"),
    ] {
        assert_eq!(folder_with(name, text).open().unwrap().layout, Layout::Folders, "{name}");
    }
}

#[test]
fn a_row_with_a_cell_too_many_is_a_fault_and_decimal_commas_are_none() {
    let rows = "path,label\na/high0.wav,high, and loud\na/low0.wav,low\n";
    let dataset = folder_with("list.csv", rows).open().unwrap();
    says(
        &dataset.faults[0].to_string(),
        &["high0.wav", "more than the table's 2 cells", "double quotes", "list.csv:2"],
    );
    let rows = "path;label;start;end\na/high0.wav;high;0,01;0,05\na/low0.wav;low;;\n";
    let dataset = folder_with("list.csv", rows).open().unwrap();
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
    let span = dataset.clips[0].span.unwrap();
    assert_eq!((span.start.as_millis(), span.end.unwrap().as_millis()), (10, 50));
}

#[test]
fn a_dataset_says_in_a_line_what_was_found() {
    let table = "path,label,fold\na/high0.wav,high,1\na/low0.wav,low,2\na/gone.wav,low,2\n";
    let dataset = folder_with("list.csv", table).open().unwrap();
    assert_eq!(
        dataset.summary(),
        "layout csv, 2 classes, 2 clips, 1 that cannot be used, folds 1, 2"
    );
    let error = folder_with("list.csv", "path,label\nb.wav,high\n").open().unwrap_err();
    assert!(matches!(error, DatasetError::NoClips { .. }), "{error}");
}
