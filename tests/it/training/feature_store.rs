//! Features kept on disk are those that would be computed, or are computed again.

use std::fs;
use std::path::{Path, PathBuf};

use tympan::domain::Clip;
use tympan::training::{ClipFeatures, FeatureSource, FeatureStore};

use super::{WINDOW, front_end, tone};

fn store(folder: &Path) -> FeatureStore {
    let front_end = front_end();
    FeatureStore {
        window_samples: front_end.samples_of(WINDOW.frames),
        front_end,
        folder: Some(folder.join("kept")),
    }
}

fn recording(folder: &Path) -> PathBuf {
    let path = folder.join("a.wav");
    fs::write(&path, b"only its length and time matter here").unwrap();
    path
}

/// Whether the recording was opened, and the features.
fn features(store: &FeatureStore, path: &Path, treatment: &str) -> (bool, ClipFeatures) {
    let mut opened = false;
    let load = || -> Result<Clip, String> {
        opened = true;
        Ok(tone(440.0))
    };
    let features = store.features(FeatureSource { path, treatment, label: Some(1) }, load).unwrap();
    (opened, features)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("kept")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_was_kept_is_what_was_computed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, path) = (store(folder.path()), recording(folder.path()));
    let (opened, computed) = features(&store, &path, "");
    assert!(opened);
    let (opened, kept) = features(&store, &path, "");
    assert!(!opened, "the recording was opened again");
    assert_eq!(kept, computed);
    assert_eq!(kept.label, Some(1));
    assert_eq!(entries(folder.path()).len(), 1);
}

#[test]
fn another_front_end_treatment_or_recording_is_not_taken_for_the_former() {
    let folder = tempfile::tempdir().unwrap();
    let (first, path) = (store(folder.path()), recording(folder.path()));
    features(&first, &path, "");
    assert!(features(&first, &path, "peak").0);
    let mut other = store(folder.path());
    other.front_end.mel_high_hz = 7_000.0;
    assert!(features(&other, &path, "").0);
    fs::write(&path, b"longer: only its length and time matter here").unwrap();
    assert!(features(&first, &path, "").0);
    assert!(features(&first, &path, "peak").0);
}

#[test]
fn a_damaged_entry_is_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, path) = (store(folder.path()), recording(folder.path()));
    let (_, computed) = features(&store, &path, "");
    let entry = &entries(folder.path())[0];
    let whole = fs::read(entry).unwrap();
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &[], &flipped, b"tympan features1"] {
        fs::write(entry, damaged).unwrap();
        let (opened, again) = features(&store, &path, "");
        assert!(opened, "{} damaged bytes were trusted", damaged.len());
        assert_eq!(again, computed);
        assert!(!features(&store, &path, "").0, "the entry was not mended");
    }
}

#[test]
fn a_recording_that_cannot_be_read_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, path) = (store(folder.path()), recording(folder.path()));
    let source = FeatureSource { path: &path, treatment: "", label: None };
    assert_eq!(store.features(source, || Err("broken".into())).unwrap_err(), "broken");
    assert!(features(&store, &path, "").0);
}
