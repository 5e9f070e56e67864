//! Files that are missing, empty or mislabelled: each is listed with its reason, and the others are read all the same.

use tympan::offline::{
    CleaningSpec, Dataset, DatasetError, DatasetOptions, OnFault, check_faults, load_clean_clip,
};

use super::{Folder, clips, says};

/// The faults as text, one a line.
fn faults(dataset: &Dataset) -> String {
    dataset.faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn every_fault_of_a_published_table_is_listed_with_its_line() {
    let folder = Folder::new();
    let table = "filename,fold,target,category\n\
                 1-1-A-0.wav,1,0,dog\n\
                 1-2-A-0.wav,1,0,dog\n\
                 1-3-A-0.wav,1,0,dog\n\
                 1-4-A-0.wav,1,0,cat\n\
                 1-5-A-1.wav,1,0,dog\n\
                 1-6-A-0.wav,1,nought,dog\n\
                 1-7-A-0.wav,,0,dog\n\
                 1-8-A-0.wav,1,0,dog\n\
                 1-9-A-0.wav\n\
                 1-0-A-1.wav,1,1,cat\n\
                 1-0-B-1.wav,1,1,cat\n";
    folder.write("meta/esc50.csv", table);
    let there =
        ["1-1-A-0", "1-4-A-0", "1-5-A-1", "1-6-A-0", "1-7-A-0", "1-9-A-0", "1-0-A-1", "1-0-B-1"];
    there.iter().for_each(|name| folder.sounds(&[&format!("audio/{name}.wav")]));
    folder.write("audio/1-2-A-0.wav", b"");
    std::fs::create_dir(folder.path().join("audio/1-8-A-0.wav")).unwrap();
    let dataset = folder.open().unwrap();
    assert_eq!(clips(&dataset).len(), 3);
    let reported = faults(&dataset);
    let expected = [
        ("1-2-A-0.wav", 3, "is empty (0 bytes)"),
        ("1-3-A-0.wav", 4, "there is no such file"),
        ("1-4-A-0.wav", 5, "is called \"cat\", in most rows \"dog\""),
        ("1-5-A-1.wav", 6, "its name says class 1"),
        ("1-6-A-0.wav", 7, "target is \"nought\""),
        ("1-7-A-0.wav", 8, "fold is empty"),
        ("1-8-A-0.wav", 9, "is a folder"),
        ("1-9-A-0.wav", 10, "target is empty"),
    ];
    assert_eq!(dataset.faults.len(), expected.len(), "{reported}");
    for (line, (name, row, reason)) in reported.lines().zip(expected) {
        says(line, &[name, &format!("(esc50.csv:{row})"), reason]);
    }
    let error = check_faults(&dataset.faults, 11, OnFault::Refuse).unwrap_err().to_string();
    says(&error, &["8 of the 11 recordings", "1-2-A-0.wav", "1-9-A-0.wav"]);
    assert!(check_faults(&dataset.faults, 11, OnFault::LeaveOut).is_ok());
}

#[test]
fn every_fault_of_a_list_is_reported() {
    let folder = Folder::new();
    let table = "path,label,fold,start,end\n\
                 a.wav,door,,,\n\
                 a.wav,bell,,,\n\
                 ./b.wav,door,,,\n\
                 b.wav,door,,,\n\
                 c.wav,,,,\n\
                 d.wav,door,first,,\n\
                 e.wav,door,,2,1\n\
                 f.wav,door,,-1,\n\
                 b.wav,bell,,1,2\n";
    folder.write("list.csv", table);
    folder.sounds(&["a.wav", "b.wav", "c.wav", "d.wav", "e.wav", "f.wav"]);
    let dataset = folder.open().unwrap();
    // the same file twice under one label counts once; a part of it may have another label
    assert_eq!(clips(&dataset).len(), 2);
    let reported = faults(&dataset);
    assert_eq!(dataset.faults.len(), 6, "{reported}");
    let reasons = [
        "a.wav: is labelled \"bell\" and \"door\" (list.csv:2)",
        "a.wav: is labelled \"bell\" and \"door\" (list.csv:3)",
        "label is empty (list.csv:6)",
        "fold is \"first\"",
        "begins at 2 s",
        "start is -1 s",
    ];
    says(&reported, &reasons);
}

#[test]
fn a_table_without_a_column_or_a_usable_row_is_an_error() {
    let folder = Folder::new();
    let list = folder.write("list.csv", "name;what;when\na.wav;door;1\n");
    let error = Dataset::open(&list, &DatasetOptions::default()).unwrap_err().to_string();
    says(&error, &["list.csv:1", "name, what, when", "semicolons", "calls it label"]);
    let list = folder.write("list.csv", "a,b\n1,2\n");
    let error = Dataset::open(&list, &DatasetOptions::default()).unwrap_err().to_string();
    says(&error, &["list.csv", "column path", "column label"]);
    let list =
        folder.write("list.csv", "path,label\na.wav,door\nb.wav,door\nc.wav,door\nd.wav,bell\n");
    let error = Dataset::open(&list, &DatasetOptions::default()).unwrap_err();
    assert!(matches!(&error, DatasetError::NoClips { faults, .. } if faults.len() == 4));
    says(&error.to_string(), &["none of its 4 recordings", "a.wav", "no such file", "1 more"]);
    let list = folder.write("list.csv", b"path,label\n\xff\xfe,door\nt\xc3\xbcr.wav,door\n");
    let error = Dataset::open(&list, &DatasetOptions::default()).unwrap_err().to_string();
    says(&error, &["list.csv:2", "not UTF-8", "save the table"]);
    let list = folder.write("list.csv", "path,label\n");
    let error = Dataset::open(&list, &DatasetOptions::default()).unwrap_err().to_string();
    says(&error, &["names no recording"]);
}

#[test]
fn a_recording_in_a_format_that_is_not_read_is_no_companion() {
    let folder = Folder::new();
    folder.sounds(&["dog/a.wav"]);
    folder.write("dog/b.opus", b"OggS");
    folder.write("cat/c.opus", b"OggS");
    let dataset = folder.open().unwrap();
    assert_eq!(dataset.labels.len(), 2);
    says(&faults(&dataset), &["c.opus: its ending", "b.opus", "ffmpeg"]);
}

#[test]
fn what_only_decoding_shows_is_a_fault_of_the_clip() {
    let folder = Folder::new();
    folder.write("dog/a.wav", "not audio at all, but text that somebody renamed");
    folder.wav("dog/b.wav", &[]);
    folder.sounds(&["dog/c.wav"]);
    let dataset = folder.open().unwrap();
    let loaded: Vec<_> = dataset
        .clips
        .iter()
        .map(|clip| load_clean_clip(clip, &CleaningSpec::default()).map_err(|it| it.to_string()))
        .collect();
    says(loaded[0].as_ref().unwrap_err(), &["a.wav: is a text, not a recording"]);
    says(loaded[1].as_ref().unwrap_err(), &["b.wav: holds no samples"]);
    assert_eq!(loaded[2].as_ref().unwrap().samples.len(), 800);
    let gone = dataset.clips[2].clone();
    std::fs::remove_file(&gone.path).unwrap();
    let fault = load_clean_clip(&gone, &CleaningSpec::default()).unwrap_err();
    says(&fault.reason, &["cannot be read", "No such file"]);
}
