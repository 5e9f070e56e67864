//! The log file on disk: rotation, the cap, torn lines, and folders that cannot be written.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tympan::sinks::{LogFile, LogFileSpec, RecordFilter, Sink, SinkError};

use super::{event, event_ids, window};

fn spec(folder: &Path) -> LogFileSpec {
    LogFileSpec::new(folder.join("events.jsonl"))
}

fn write_events(log_file: &mut LogFile, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        log_file.write(&event(id).into()).unwrap();
    }
    log_file.flush().unwrap();
}

/// Names and contents in the order of their names, the file being written last.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort_by_key(|(name, _)| (name == "events.jsonl", name.clone()));
    files
}

fn line_bytes() -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut log_file = LogFile::open(spec(folder.path()), Arc::default()).unwrap();
    write_events(&mut log_file, 10..=10);
    fs::metadata(folder.path().join("events.jsonl")).unwrap().len()
}

#[test]
fn a_file_that_would_grow_too_large_is_rotated_with_whole_lines_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file_bytes = 3 * line_bytes() + 10;
    let mut log_file =
        LogFile::open(LogFileSpec { file_bytes, ..spec(folder.path()) }, Arc::default()).unwrap();
    write_events(&mut log_file, 10..=17);
    let files = files(folder.path());
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["events-20260101T120010Z.jsonl", "events-20260101T120013Z.jsonl", "events.jsonl"]
    );
    for (name, text) in &files {
        assert!(text.len() as u64 <= file_bytes, "{name} is too large");
        assert!(text.ends_with('\n'), "{name} ends within a line");
    }
    let all: String = files.into_iter().map(|(_, text)| text).collect();
    assert_eq!(event_ids(&all), (10..=17).collect::<Vec<u64>>());
}

#[test]
fn a_file_is_rotated_when_it_is_old_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let spec = LogFileSpec { file_age: Duration::from_secs(60), ..spec(folder.path()) };
    let mut log_file = LogFile::open(spec.clone(), Arc::default()).unwrap();
    write_events(&mut log_file, 1..=1);
    write_events(&mut log_file, 59..=60);
    drop(log_file);
    let mut log_file = LogFile::open(spec, Arc::default()).unwrap();
    write_events(&mut log_file, 61..=61);
    let files = files(folder.path());
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(files[0].0, "events-20260101T120001Z.jsonl");
    assert_eq!(event_ids(&files[0].1), [1, 59, 60]);
    assert_eq!(event_ids(&files[1].1), [61]);
}

#[test]
fn all_files_together_never_exceed_the_cap_and_the_oldest_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let file_bytes = 2 * line_bytes() + 10;
    let total_bytes = 3 * file_bytes;
    let spec = LogFileSpec { file_bytes, total_bytes, ..spec(folder.path()) };
    let mut log_file = LogFile::open(spec, Arc::default()).unwrap();
    for id in 10..=60 {
        write_events(&mut log_file, id..=id);
        let total: usize = files(folder.path()).iter().map(|(_, text)| text.len()).sum();
        assert!(total as u64 <= total_bytes, "{total} bytes after event {id}");
    }
    let all: String = files(folder.path()).into_iter().map(|(_, text)| text).collect();
    assert_eq!(event_ids(&all), (56..=60).collect::<Vec<u64>>());
}

#[test]
fn opening_appends_and_ends_a_line_that_a_power_cut_tore() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    write_events(&mut LogFile::open(spec(folder.path()), Arc::default()).unwrap(), 1..=1);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"type\":\"eve")).unwrap();
    write_events(&mut LogFile::open(spec(folder.path()), Arc::default()).unwrap(), 2..=2);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[1], "{\"type\":\"eve");
    assert_eq!((event_ids(lines[0]), event_ids(lines[2])), (vec![1], vec![2]));
}

#[test]
fn a_file_that_somebody_deletes_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let mut log_file = LogFile::open(spec(folder.path()), Arc::default()).unwrap();
    write_events(&mut log_file, 1..=1);
    fs::remove_file(&path).unwrap();
    write_events(&mut log_file, 2..=2);
    assert_eq!(event_ids(&fs::read_to_string(&path).unwrap()), [2]);
}

#[test]
fn windows_go_into_the_file_only_when_asked_for() {
    for (records, lines) in [(RecordFilter::WithoutWindows, 1), (RecordFilter::Everything, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let mut log_file =
            LogFile::open(LogFileSpec { records, ..spec(folder.path()) }, Arc::default()).unwrap();
        log_file.write(&window(1).into()).unwrap();
        log_file.write(&event(2).into()).unwrap();
        log_file.flush().unwrap();
        let text = fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
        assert_eq!(text.lines().count(), lines);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = LogFile::open(spec(&missing), Arc::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(missing.join("events.jsonl").to_str().unwrap()), "{text}");
    assert!(text.contains(&format!("mkdir -p {}", missing.display())), "{text}");

    let error = LogFile::open(LogFileSpec::new(folder.path()), Arc::default()).unwrap_err();
    assert!(error.to_string().contains("it is a folder"), "{error}");

    // a file system that refuses new files to everyone, root too
    let error = LogFile::open(LogFileSpec::new("/proc/events.jsonl"), Arc::default()).unwrap_err();
    assert!(matches!(error, SinkError::LogFile { .. }), "{error:?}");
    assert!(error.to_string().contains("/proc/events.jsonl"), "{error}");
}
