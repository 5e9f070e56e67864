//! The commands that print and end: formats of `classify`, `devices`, help and version.

use super::{demo_wav, failure, output_of, says, success};

#[test]
fn classify_lists_events_as_csv_and_as_a_label_track() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 12);
    let path = wav.to_str().unwrap();
    let csv = success(&["classify", "--format", "csv", folder.path().to_str().unwrap()]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headings = reader.headers().unwrap().clone();
    assert_eq!(
        headings.iter().collect::<Vec<_>>(),
        ["path", "start_s", "end_s", "label", "peak_score"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(!rows.is_empty());
    let track = success(&["classify", "--format", "audacity", path]);
    assert_eq!(track.lines().count(), rows.len());
    for (row, line) in rows.iter().zip(track.lines()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (start, end): (f64, f64) = (fields[0].parse().unwrap(), fields[1].parse().unwrap());
        assert!(start < end && fields[2] == &row[3], "{line} {row:?}");
        assert!((start - row[1].parse::<f64>().unwrap()).abs() < 0.001);
    }
    says(&failure(&["classify", "--format", "audacity", path, path], 2), &["one at a time"]);
    let nothing = tempfile::tempdir().unwrap();
    says(&failure(&["classify", nothing.path().to_str().unwrap()], 2), &["no recording", "flac"]);
}

#[test]
fn devices_lists_or_says_that_there_are_none() {
    let output = output_of(&["devices"]);
    match output.status.code() {
        Some(0) => assert!(!output.stdout.is_empty()),
        Some(3) => says(&String::from_utf8_lossy(&output.stderr), &["no capture device"]),
        other => panic!("devices ended with {other:?}"),
    }
}

#[test]
fn help_names_every_command() {
    let help = success(&["--help"]);
    says(
        &help,
        &["run", "classify", "train", "eval", "plot", "bench", "devices", "doctor", "check"],
    );
    says(&success(&["--version"]), &[env!("CARGO_PKG_VERSION")]);
    assert_eq!(output_of(&["no-such-command"]).status.code(), Some(2));
}
