//! The published sets themselves, where they are: whole, with their folds and groups. TinySOL's table is the real one, its
//! notes are made up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use tympan::offline::{
    CleaningSpec, Dataset, DatasetOptions, KFoldSpec, Layout, Leak, SplitSpec, Subset, k_fold,
    load_clean_clip,
};

use super::{Folder, labels, says};
use crate::support::recordings::recordings;

fn open(path: &Path) -> Dataset {
    let dataset = Dataset::open(path, &DatasetOptions::default()).unwrap();
    assert!(dataset.faults.is_empty(), "{:?}", dataset.faults);
    // one clip is decoded to show that paths lead to sound
    let clip = load_clean_clip(&dataset.clips[0], &CleaningSpec::default()).unwrap();
    assert!(clip.samples.len() > 1_000);
    dataset
}

fn clips_of_folds(dataset: &Dataset) -> BTreeMap<Option<u32>, usize> {
    let mut counts = BTreeMap::new();
    dataset.clips.iter().for_each(|clip| *counts.entry(clip.fold).or_insert(0) += 1);
    counts
}

#[test]
fn esc50_has_four_folds_of_four_hundred_clips() {
    let Some(data) = recordings("esc50_has_four_folds_of_four_hundred_clips") else { return };
    let dataset = open(&data.join("esc50"));
    assert_eq!((dataset.layout, dataset.labels.len()), (Layout::Esc50, 50));
    let folds = (1..=4).map(|fold| (Some(fold), 400)).collect();
    assert_eq!(clips_of_folds(&dataset), folds);
    assert_eq!(labels(&dataset)[..3], ["dog", "rooster", "pig"]);
    let spec = SplitSpec::Folds { train: vec![1, 2, 3], validation: vec![4], test: vec![] };
    let split = spec.split(&dataset).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.leaky), (1_200, 400, false));
    let options = DatasetOptions { subset: Some(Subset::Esc10), ..DatasetOptions::default() };
    let ten = Dataset::open(&data.join("esc50"), &options).unwrap();
    assert_eq!((ten.labels.len(), ten.clips.len()), (10, 320));
}

#[test]
fn esc50_is_split_at_random_with_its_sources_whole() {
    let Some(data) = recordings("esc50_is_split_at_random_with_its_sources_whole") else { return };
    let dataset = open(&data.join("esc50"));
    let spec = |leak| SplitSpec::Random { validation_share: 0.2, test_share: 0.0, seed: 1, leak };
    let split = spec(Leak::Forbidden).split(&dataset).unwrap();
    let sources = |clips: &[usize]| -> BTreeSet<String> {
        clips.iter().map(|&clip| dataset.clips[clip].group.clone().unwrap()).collect()
    };
    assert!(sources(&split.train).is_disjoint(&sources(&split.validation)));
    let mut of_class: HashMap<usize, usize> = HashMap::new();
    split
        .validation
        .iter()
        .for_each(|&clip| *of_class.entry(dataset.clips[clip].label).or_default() += 1);
    // 32 clips a class: 6.4 to validate on; sources have up to a dozen clips
    assert!(
        of_class.len() == 50 && of_class.values().all(|&clips| (3..=10).contains(&clips)),
        "{of_class:?}"
    );
    assert!((300..=340).contains(&split.validation.len()), "{}", split.validation.len());
    assert!(spec(Leak::Allowed).split(&dataset).unwrap().leaky);
    let spec = KFoldSpec { random_folds: 9, seed: 1, leak: Leak::Forbidden };
    assert_eq!(k_fold(&dataset, &spec).unwrap().len(), 4);
}

#[test]
fn urbansound8k_has_the_two_folds_that_are_there() {
    let Some(data) = recordings("urbansound8k_has_the_two_folds_that_are_there") else { return };
    let dataset = open(&data.join("urbansound8k"));
    assert_eq!((dataset.layout, dataset.labels.len()), (Layout::UrbanSound8k, 10));
    assert_eq!(clips_of_folds(&dataset), BTreeMap::from([(Some(1), 873), (Some(2), 888)]));
    assert_eq!(labels(&dataset)[..2], ["air_conditioner", "car_horn"]);
    let spec = SplitSpec::Folds { train: vec![1], validation: vec![2], test: vec![] };
    let split = spec.split(&dataset).unwrap();
    assert!(!split.leaky && !split.description.contains("as published"), "{}", split.description);
}

#[test]
fn sets_of_class_folders_are_read_and_split() {
    let Some(data) = recordings("sets_of_class_folders_are_read_and_split") else { return };
    let instruments = open(&data.join("instruments10"));
    assert_eq!((instruments.labels.len(), instruments.clips.len()), (10, 240));
    assert_eq!(labels(&instruments)[..2], ["Acoustic_guitar", "Bass_drum"]);
    let spec = SplitSpec::Random {
        validation_share: 0.2,
        test_share: 0.0,
        seed: 7,
        leak: Leak::Forbidden,
    };
    let split = spec.split(&instruments).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.leaky), (190, 50, false));
    let digits = open(&data.join("spoken_digits"));
    assert_eq!(
        (digits.layout, digits.labels.len(), digits.clips.len()),
        (Layout::Folders, 10, 600)
    );
}

/// Rows of the real table, by their file names; one of them was resampled from another.
const NOTES: [&str; 6] = [
    "BTb-ord-F#1-pp-N-N.wav",
    "BTb-ord-G1-pp-N-R100u.wav",
    "BTb-ord-A1-pp-N-T23d.wav",
    "Acc-ord-E2-pp-N-N.wav",
    "Acc-ord-E2-pp-alt1-N.wav",
    "Acc-ord-F2-pp-N-N.wav",
];

#[test]
fn tinysol_is_read_from_its_own_table_wherever_its_notes_are() {
    let name = "tinysol_is_read_from_its_own_table_wherever_its_notes_are";
    let Some(data) = recordings(name) else { return };
    let table = std::fs::read_to_string(data.join("tinysol/TinySOL_metadata.csv")).unwrap();
    for below in ["", "audio/", "TinySOL/", "TinySOL2020/"] {
        let folder = Folder::new();
        folder.write("TinySOL_metadata.csv", &table);
        let paths: Vec<&str> = table.lines().map(|line| line.split(',').next().unwrap()).collect();
        for note in NOTES {
            let path = paths.iter().find(|path| path.ends_with(note)).unwrap();
            folder.sounds(&[&format!("{below}{path}")]);
        }
        let dataset = folder.open().unwrap();
        assert_eq!((dataset.layout, dataset.labels.len()), (Layout::TinySol, 14));
        assert_eq!((dataset.clips.len(), dataset.faults.len()), (NOTES.len(), 2_913 - NOTES.len()));
        assert!(dataset.clips.iter().all(|clip| clip.fold.is_some()));
        says(&dataset.faults[0].reason, &["no such file", "TinySOL_metadata.csv:"]);
        let group = |note: &str| {
            let clip = dataset.clips.iter().find(|clip| clip.path.ends_with(note)).unwrap();
            clip.group.clone().unwrap()
        };
        assert_eq!(group(NOTES[0]), group(NOTES[1]));
        assert_eq!(NOTES.map(group).into_iter().collect::<BTreeSet<_>>().len(), 5);
        let chosen = ["Accordion".to_owned(), "Bass Tuba".to_owned()].to_vec();
        let options = DatasetOptions { labels: chosen.clone(), ..DatasetOptions::default() };
        let two = Dataset::open(folder.path(), &options).unwrap();
        assert_eq!((labels(&two), two.clips.len()), (chosen, NOTES.len()));
        let spec = SplitSpec::Random {
            validation_share: 0.4,
            test_share: 0.0,
            seed: 1,
            leak: Leak::Forbidden,
        };
        assert!(!spec.split(&two).unwrap().leaky);
    }
}

#[test]
fn a_table_without_its_recordings_says_so_once() {
    let Some(data) = recordings("a_table_without_its_recordings_says_so_once") else { return };
    let error = Dataset::open(&data.join("tinysol"), &DatasetOptions::default()).unwrap_err();
    let text = error.to_string();
    says(&text, &["none of its 2913 recordings", "no such file", "and 2910 more"]);
    assert!(text.lines().count() < 8, "{text}");
}
