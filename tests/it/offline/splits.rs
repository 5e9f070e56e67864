//! Splits: what is from one source stays on one side, every class is on both, the same seed gives the same split, and what
//! cannot be split is said.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use tympan::domain::LabelSet;
use tympan::offline::{
    Dataset, DatasetClip, KFoldSpec, Layout, Leak, Split, SplitError, SplitSpec, k_fold,
};

use super::says;

/// Clips of (label, fold, group), each a file of its own.
fn dataset(clips: &[(usize, Option<u32>, Option<usize>)]) -> Dataset {
    let labels = clips.iter().map(|clip| clip.0).max().unwrap_or(0) + 1;
    let labels: Vec<String> = (0..labels).map(|label| format!("class{label}")).collect();
    let clip = |(index, &(label, fold, group)): (usize, &(usize, Option<u32>, Option<usize>))| {
        let group = group.map(|group| group.to_string());
        DatasetClip { path: format!("{index}.wav").into(), label, fold, group, span: None }
    };
    Dataset {
        name: "made up".into(),
        terms: "none".into(),
        layout: Layout::Csv,
        labels: LabelSet::new(&labels).unwrap(),
        clips: clips.iter().enumerate().map(clip).collect(),
        faults: Vec::new(),
    }
}

/// Clips of so many classes, in groups of this many of one class.
fn grouped(classes: usize, groups: usize, clips_of_group: usize) -> Dataset {
    let clips = (0..classes).flat_map(|class| {
        (0..groups * clips_of_group)
            .map(move |clip| (class, None, Some(class * groups + clip / clips_of_group)))
    });
    dataset(&clips.collect::<Vec<_>>())
}

fn random(validation_share: f64, seed: u64, leak: Leak) -> SplitSpec {
    SplitSpec::Random { validation_share, test_share: 0.0, seed, leak }
}

fn folds(train: &[u32], validation: &[u32]) -> SplitSpec {
    SplitSpec::Folds { train: train.to_vec(), validation: validation.to_vec(), test: vec![] }
}

fn groups<'a>(dataset: &'a Dataset, clips: &[usize]) -> BTreeSet<&'a str> {
    clips.iter().filter_map(|&index| dataset.clips[index].group.as_deref()).collect()
}

fn of_class(dataset: &Dataset, clips: &[usize]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    clips.iter().for_each(|&index| *counts.entry(dataset.clips[index].label).or_insert(0) += 1);
    counts
}

/// That every clip has exactly one use.
fn assert_whole(split: &Split, clips: usize) {
    let mut all = [&split.train[..], &split.validation, &split.test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..clips).collect::<Vec<_>>());
}

#[test]
fn folds_are_honoured_and_the_others_left_out() {
    let set = dataset(&[
        (0, Some(1), None),
        (0, Some(2), None),
        (0, Some(3), None),
        (0, Some(4), None),
        (0, None, None),
    ]);
    let spec = SplitSpec::Folds { train: vec![3, 1], validation: vec![2], test: vec![4] };
    let split = spec.split(&set).unwrap();
    assert_eq!(
        (&split.train[..], &split.validation[..], &split.test[..]),
        (&[0, 2][..], &[1][..], &[3][..])
    );
    assert!(!split.leaky);
    says(&split.description, &["training on 3, 1", "validation on 2", "test on 4"]);
}

#[test]
fn folds_of_ones_own_that_part_a_recording_are_leaky_and_published_ones_are_reported() {
    let clips =
        [(0, Some(1), Some(7)), (0, Some(1), None), (0, Some(2), Some(7)), (0, Some(2), None)];
    let mut set = dataset(&clips);
    let split = folds(&[1], &[2]).split(&set).unwrap();
    assert!(split.leaky);
    says(&split.description, &["1 sources have clips in more than one part"]);
    set.layout = Layout::Esc50;
    let split = folds(&[1], &[2]).split(&set).unwrap();
    assert!(!split.leaky);
    says(&split.description, &["1 sources", "as published"]);
}

#[test]
fn folds_that_cannot_be_used_are_named() {
    let set = dataset(&[(0, Some(1), None), (0, Some(2), None), (1, Some(1), None)]);
    let error = |spec: SplitSpec| spec.split(&set).unwrap_err().to_string();
    says(&error(folds(&[1], &[9])), &["fold 9", "1, 2"]);
    says(&error(folds(&[1, 2], &[2])), &["fold 2", "training", "validation"]);
    says(&error(folds(&[1], &[])), &["no clip is left for validation"]);
    says(&error(folds(&[1], &[2])), &["validation", "\"class1\"", "leave the class out"]);
    let unfolded = dataset(&[(0, None, None), (0, None, None)]);
    assert_eq!(folds(&[1], &[2]).split(&unfolded), Err(SplitError::NoFolds));
}

#[test]
fn a_random_split_keeps_groups_together_and_classes_in_proportion() {
    let set = grouped(5, 20, 4);
    for seed in 0..20 {
        let split = random(0.2, seed, Leak::Forbidden).split(&set).unwrap();
        assert_whole(&split, 400);
        assert!(groups(&set, &split.train).is_disjoint(&groups(&set, &split.validation)));
        assert_eq!(of_class(&set, &split.validation), (0..5).map(|class| (class, 16)).collect());
        assert!(!split.leaky);
        says(&split.description, &["80 % training", "20 % validation", "one source together"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_split_and_another_one_another() {
    let set = grouped(3, 10, 2);
    let split = |seed| random(0.3, seed, Leak::Forbidden).split(&set).unwrap();
    assert_eq!(split(5), split(5));
    let different: HashSet<Vec<usize>> = (0..10).map(|seed| split(seed).validation).collect();
    assert!(different.len() > 5, "{} of 10 seeds differ", different.len());
}

#[test]
fn a_plain_random_split_of_groups_is_called_leaky_and_of_single_files_is_not() {
    let set = grouped(2, 10, 5);
    let split = random(0.2, 1, Leak::Allowed).split(&set).unwrap();
    assert!(split.leaky);
    assert!(!groups(&set, &split.train).is_disjoint(&groups(&set, &split.validation)));
    says(&split.description, &["parts of one recording are on both sides"]);
    let files = dataset(&(0..20).map(|clip| (clip % 2, None, None)).collect::<Vec<_>>());
    for leak in [Leak::Allowed, Leak::Forbidden] {
        let split = random(0.2, 1, leak).split(&files).unwrap();
        assert!(!split.leaky);
        assert_eq!(of_class(&files, &split.validation), BTreeMap::from([(0, 2), (1, 2)]));
        says(&split.description, &["each file a source of its own"]);
    }
}

#[test]
fn parts_of_one_file_are_of_one_source() {
    let mut set = dataset(&(0..40).map(|clip| (clip % 2, None, None)).collect::<Vec<_>>());
    for (index, clip) in set.clips.iter_mut().enumerate() {
        clip.path = format!("{}.wav", index / 4).into();
    }
    let split = random(0.3, 2, Leak::Forbidden).split(&set).unwrap();
    let files = |clips: &[usize]| clips.iter().map(|index| index / 4).collect::<HashSet<_>>();
    assert!(files(&split.train).is_disjoint(&files(&split.validation)));
    assert!(random(0.3, 2, Leak::Allowed).split(&set).unwrap().leaky);
}

#[test]
fn a_class_that_cannot_be_on_both_sides_is_named() {
    let mut clips = vec![(0, None, None), (0, None, None), (1, None, None)];
    let error = random(0.5, 1, Leak::Forbidden).split(&dataset(&clips)).unwrap_err().to_string();
    says(&error, &["\"class1\" has one clip", "leave the class out"]);
    clips.extend([(1, None, Some(4)), (1, None, Some(4))]);
    clips.remove(2);
    let set = dataset(&clips);
    let error = random(0.5, 1, Leak::Forbidden).split(&set).unwrap_err().to_string();
    says(&error, &["\"class1\" has 2 clips, all of one source"]);
    assert!(random(0.5, 1, Leak::Allowed).split(&set).unwrap().leaky);
    for share in [0.0, 1.0, -0.1, f64::NAN] {
        let error = random(share, 1, Leak::Forbidden).split(&set).unwrap_err();
        assert!(matches!(error, SplitError::Share { .. }), "{share}: {error}");
    }
}

#[test]
fn a_class_of_two_clips_has_one_on_each_side_even_of_a_small_share() {
    let mut clips = vec![(0, None, None); 100];
    clips.extend([(1, None, None); 2]);
    let set = dataset(&clips);
    for seed in 0..10 {
        let split = random(0.1, seed, Leak::Forbidden).split(&set).unwrap();
        assert_eq!(of_class(&set, &split.validation), BTreeMap::from([(0, 10), (1, 1)]));
    }
}

fn k_fold_spec(random_folds: usize) -> KFoldSpec {
    KFoldSpec { random_folds, seed: 3, leak: Leak::Forbidden }
}

#[test]
fn every_clip_is_held_out_once_in_random_folds() {
    let set = grouped(3, 8, 3);
    let mut measured = Vec::new();
    for split in &k_fold(&set, &k_fold_spec(4)).unwrap() {
        assert_whole(split, 72);
        assert_eq!(split.validation.len(), 18);
        assert!(groups(&set, &split.validation).is_disjoint(&groups(&set, &split.train)));
        measured.extend_from_slice(&split.validation);
    }
    measured.sort_unstable();
    assert_eq!(measured, (0..72).collect::<Vec<_>>());
}

#[test]
fn official_folds_are_cross_validated_as_they_are() {
    let set = dataset(&[(0, Some(10), None), (0, Some(2), None), (0, Some(5), None)]);
    let splits = k_fold(&set, &k_fold_spec(7)).unwrap();
    let held: Vec<&[usize]> = splits.iter().map(|split| &split.validation[..]).collect();
    assert_eq!(held, [&[1][..], &[2], &[0]]);
    says(&splits[0].description, &["training on 5, 10", "validation on 2"]);
}

#[test]
fn cross_validation_that_cannot_be_done_is_refused() {
    let set = dataset(&[(0, None, None), (0, None, None), (0, None, None)]);
    let error = |folds| k_fold(&set, &k_fold_spec(folds)).unwrap_err().to_string();
    says(&error(1), &["over 1 folds", "at least 2"]);
    says(&error(5), &["\"class0\" has 3 clips", "5 of them"]);
    let some = dataset(&[(0, Some(1), None), (0, Some(2), None), (0, None, None)]);
    let error = k_fold(&some, &k_fold_spec(2)).unwrap_err().to_string();
    says(&error, &["1 of 3 clips have no fold"]);
}

proptest! {
    #[test]
    fn no_source_is_ever_on_two_sides(
        clips in proptest::collection::vec((0usize..3, 0usize..30), 1..150),
        seed in 0u64..1000,
        validation in 0.05f64..0.5,
        test_share in prop_oneof![Just(0.0), 0.05f64..0.4],
    ) {
        // groups may hold several classes, and a third of the clips has none
        let clips: Vec<_> = clips
            .into_iter()
            .map(|(label, group)| (label, None, (group % 3 > 0).then_some(group)))
            .collect();
        let set = dataset(&clips);
        let spec = SplitSpec::Random { validation_share: validation, test_share, seed, leak: Leak::Forbidden };
        if let Ok(split) = spec.split(&set) {
            assert_whole(&split, clips.len());
            let [train, validation, test] =
                [&split.train, &split.validation, &split.test].map(|part| groups(&set, part));
            prop_assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
            prop_assert!(!split.leaky);
            for part in [&split.train, &split.validation] {
                prop_assert_eq!(of_class(&set, part).len(), set.labels.len());
            }
        }
    }
}
