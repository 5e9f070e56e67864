//! Recordings without a label: their kinds and sources, by name or by a manifest, and parts that share no source.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;
use tympan::offline::{
    ListedRecording, RecordingListError, RecordingManifest, SplitError, list_recordings,
    split_recordings,
};

use super::{Folder, says};

fn listed(kind: &str, source: &str, path: &str) -> ListedRecording {
    ListedRecording { path: path.into(), kind: kind.to_owned(), source: source.to_owned() }
}

/// A folder of recordings of two kinds; nobody reads what is in them.
fn folder() -> Folder {
    let folder = Folder::new();
    for file in ["speech/ann-1.wav", "speech/en/ann_2.wav", "speech/bob 1.wav", "kitchen/tap.ogg"] {
        folder.write(file, b"sound");
    }
    folder
}

fn given(folder: &Folder) -> [PathBuf; 2] {
    ["speech", "kitchen"].map(|name| folder.path().join(name))
}

fn kinds_and_sources(recordings: &[ListedRecording]) -> Vec<(&str, &str)> {
    recordings.iter().map(|it| (it.kind.as_str(), it.source.as_str())).collect()
}

#[test]
fn a_kind_is_the_folder_given_and_a_source_the_beginning_of_the_name() {
    let folder = folder();
    let recordings = list_recordings(&given(&folder), None).unwrap();
    let expected = [("speech", "ann"), ("speech", "bob"), ("speech", "ann"), ("kitchen", "tap")];
    assert_eq!(kinds_and_sources(&recordings), expected);
    // a file counts as of its folder
    let file = folder.path().join("speech/en/ann_2.wav");
    assert_eq!(kinds_and_sources(&list_recordings(&[file], None).unwrap()), [("en", "ann")]);
}

#[test]
fn a_manifest_has_the_last_word_where_it_has_a_column() {
    let folder = folder();
    let table = "file,seconds,label,speaker\n\
                 speech/ann-1.wav,1,talk,Ann\n\
                 speech/en/ann_2.wav,1,talk,Anna\n\
                 speech/bob 1.wav,1,whisper,\n\
                 kitchen/tap.ogg,1,water,home\n";
    let mut manifest = RecordingManifest {
        path: folder.write("manifest.csv", table),
        kind_column: Some("label".to_owned()),
        source_column: Some("speaker".to_owned()),
    };
    let recordings = list_recordings(&given(&folder), Some(&manifest)).unwrap();
    // an empty cell says nothing
    let expected = [("talk", "Ann"), ("whisper", "bob"), ("talk", "Anna"), ("water", "home")];
    assert_eq!(kinds_and_sources(&recordings), expected);
    manifest.kind_column = None;
    let recordings = list_recordings(&given(&folder)[..1], Some(&manifest)).unwrap();
    assert_eq!(
        kinds_and_sources(&recordings),
        [("speech", "Ann"), ("speech", "bob"), ("speech", "Anna")]
    );
}

#[test]
fn a_recording_or_a_column_that_the_manifest_lacks_is_named() {
    let folder = folder();
    let path = folder.write("manifest.csv", "path,label\nspeech/ann-1.wav,talk\n");
    let mut manifest = RecordingManifest { path, kind_column: None, source_column: None };
    let error = list_recordings(&given(&folder)[..1], Some(&manifest)).unwrap_err();
    assert!(matches!(error, RecordingListError::NotListed { .. }), "{error:?}");
    says(&error.to_string(), &["manifest.csv", "no row for", "bob 1.wav", "--manifest"]);
    manifest.source_column = Some("speaker".to_owned());
    let error = list_recordings(&given(&folder), Some(&manifest)).unwrap_err().to_string();
    says(&error, &["manifest.csv", "speaker", "label"]);
}

#[test]
fn parts_have_their_shares_of_every_kind() {
    let recordings: Vec<ListedRecording> = (0..40)
        .map(|index| {
            let kind = ["speech", "kitchen"][index % 2];
            listed(kind, &format!("{kind}{}", index / 4), &format!("{index}.wav"))
        })
        .collect();
    let parts = split_recordings(&recordings, &[0.6, 0.2, 0.2], 1).unwrap();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [24, 8, 8]);
    for part in &parts {
        let speech = part.iter().filter(|&&index| recordings[index].kind == "speech").count();
        assert_eq!(speech * 2, part.len());
    }
    assert_eq!(split_recordings(&recordings, &[0.6, 0.2, 0.2], 1).unwrap(), parts);
    assert_ne!(split_recordings(&recordings, &[0.6, 0.2, 0.2], 2).unwrap(), parts);
}

#[test]
fn what_cannot_be_dealt_out_is_refused() {
    let one = [listed("speech", "ann", "a.wav"), listed("speech", "ann", "b.wav")];
    let error = split_recordings(&one, &[0.5, 0.5], 1).unwrap_err();
    assert_eq!(error, SplitError::FewSources { sources: 1, parts: 2 });
    for shares in [&[0.5, 0.2][..], &[1.2, -0.2], &[f64::NAN, 1.0], &[]] {
        let error = split_recordings(&one, shares, 1).unwrap_err();
        assert!(matches!(error, SplitError::Shares { .. }), "{error:?}");
    }
}

proptest! {
    #[test]
    fn no_source_and_no_file_is_in_two_parts(
        recordings in prop::collection::vec((0usize..3, 0usize..12, 0usize..60), 1..80),
        seed in 0u64..50,
    ) {
        let recordings: Vec<ListedRecording> = recordings
            .iter()
            .map(|(kind, source, file)| {
                listed(&format!("kind{kind}"), &format!("source{source}"), &format!("{file}.wav"))
            })
            .collect();
        let Ok(parts) = split_recordings(&recordings, &[0.5, 0.25, 0.25], seed) else {
            return Ok(());
        };
        let mut all = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..recordings.len()).collect::<Vec<_>>());
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let of = |part: usize, what: fn(&ListedRecording) -> String| -> BTreeSet<String> {
                parts[part].iter().map(|&index| what(&recordings[index])).collect()
            };
            let source = |it: &ListedRecording| it.source.clone();
            let file = |it: &ListedRecording| it.path.display().to_string();
            prop_assert!(of(one, source).is_disjoint(&of(other, source)));
            prop_assert!(of(one, file).is_disjoint(&of(other, file)));
        }
    }
}
