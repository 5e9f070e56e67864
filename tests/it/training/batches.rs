//! What an epoch trains on: which clips, how often, with which targets.

use tympan::training::{
    AugmentSpec, Batches, ClassBalance, ClipFeatures, NormaliserFit, TrainingSpec,
};

use super::{BANDS, WINDOW, clip, spec};

fn batches(clips: Vec<ClipFeatures>, spec: TrainingSpec) -> Batches {
    let mut fit = NormaliserFit::new(BANDS);
    clips.iter().for_each(|clip| fit.add(clip));
    let with_starts = |clip: ClipFeatures| {
        let starts = clip.labelled_starts(WINDOW.frames);
        (clip, starts)
    };
    Batches {
        spec,
        window_frames: WINDOW.frames,
        label_count: 2,
        normaliser: fit.normaliser(),
        floor_db: -100.0,
        clips: clips.into_iter().map(with_starts).collect(),
        reverberant: Vec::new(),
        non_events: Vec::new(),
        background: vec![clip(1, 30)],
        background_label: None,
    }
}

/// Twelve low tones and three high ones.
fn uneven() -> Vec<ClipFeatures> {
    (0..12).map(|take| clip(0, take)).chain((0..3).map(|take| clip(1, take))).collect()
}

#[test]
fn every_clip_comes_once_an_epoch_in_another_order_each_time() {
    let batches = batches(uneven(), spec());
    let (first, second) = (batches.order(0), batches.order(1));
    assert_ne!(first, second);
    assert_eq!(first, batches.order(0));
    for mut order in [first, second] {
        order.sort_unstable();
        assert_eq!(order, (0..15).collect::<Vec<usize>>());
    }
}

#[test]
fn balanced_classes_are_drawn_equally_often_and_no_clip_much_more_than_another() {
    let batches = batches(uneven(), TrainingSpec { balance: ClassBalance::Equal, ..spec() });
    let mut drawn = [0usize; 15];
    for epoch in 0..8 {
        let order = batches.order(epoch);
        assert_eq!(order.len(), 15);
        let low = order.iter().filter(|clip| **clip < 12).count();
        assert!((7..=8).contains(&low), "{low} of 15 are of the large class");
        order.iter().for_each(|&clip| drawn[clip] += 1);
    }
    // sixty draws among three, and as many among twelve
    assert!(drawn[12..].iter().all(|times| (16..=24).contains(times)), "{drawn:?}");
    assert!(drawn[..12].iter().all(|times| (1..=8).contains(times)), "{drawn:?}");
}

#[test]
fn mixed_windows_share_their_target_and_the_larger_share_is_the_answer() {
    let augment = AugmentSpec { mixup: 1.0, background: 0.0, ..spec().augment };
    let batches = batches(uneven(), TrainingSpec { augment, batch: 15, ..spec() });
    let batch = batches.batch(0, &batches.order(0));
    let mut mixed = 0;
    for (target, &label) in batch.targets.chunks_exact(2).zip(&batch.labels) {
        assert!((target[0] + target[1] - 1.0).abs() < 1e-6, "{target:?}");
        assert!(target[label as usize] >= 0.5);
        mixed += usize::from(target.iter().all(|share| *share > 0.0));
    }
    assert!(mixed > 0);
}

#[test]
fn smoothing_spreads_targets_and_leaves_background_without_any() {
    let augment = AugmentSpec { mixup: 0.0, background: 0.5, ..spec().augment };
    let spec = TrainingSpec { augment, label_smoothing: 0.2, batch: 15, ..spec() };
    let batches = batches(uneven(), spec);
    let batch = batches.batch(0, &batches.order(0));
    assert!(batch.labels.contains(&-1) && batch.labels.iter().any(|label| *label >= 0));
    for (target, &label) in batch.targets.chunks_exact(2).zip(&batch.labels) {
        let expected = match label {
            -1 => [0.0, 0.0],
            0 => [0.9, 0.1],
            _ => [0.1, 0.9],
        };
        assert!(target.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{target:?}");
    }
}

#[test]
fn sound_of_a_label_that_is_no_event_comes_as_often_as_asked_alone_and_in_mixtures() {
    let augment = AugmentSpec { mixup: 0.0, background: 0.0, non_event: 1.0, ..spec().augment };
    let mut batches = batches(uneven(), TrainingSpec { augment, batch: 15, ..spec() });
    let labels = |batches: &Batches| batches.batch(0, &batches.order(0)).labels;
    assert!(labels(&batches).iter().all(|label| *label < 2), "there is no such sound yet");
    let speech = ClipFeatures { label: Some(2), ..clip(0, 40) };
    let starts = speech.labelled_starts(WINDOW.frames);
    (batches.label_count, batches.non_events) = (3, vec![vec![(speech, starts)]]);
    assert_eq!(labels(&batches), [2; 15]);
    batches.spec.augment = AugmentSpec { mixup: 1.0, non_event: 0.5, ..batches.spec.augment };
    let batch = batches.batch(0, &batches.order(0));
    let mixed = batch.targets.chunks_exact(3).filter(|it| it[2] > 0.0 && it[2] < 1.0).count();
    assert!(mixed > 0, "{:?}", batch.targets);
}

#[test]
fn background_has_a_label_where_labels_stand_in_for_each_other() {
    let augment = AugmentSpec { background: 1.0, ..spec().augment };
    let mut batches = batches(uneven(), TrainingSpec { augment, ..spec() });
    (batches.label_count, batches.background_label) = (3, Some(2));
    let batch = batches.batch(0, &batches.order(0));
    assert!(batch.targets.chunks_exact(3).all(|target| target == [0.0, 0.0, 1.0]));
}

#[test]
fn clips_are_drawn_as_rooms_sound_them_as_often_as_asked() {
    let still = AugmentSpec { room: 1.0, ..AugmentSpec::none() };
    let mut batches = batches(uneven(), TrainingSpec { augment: still, batch: 15, ..spec() });
    let dry = batches.batch(0, &batches.order(0));
    // another clip in place of each, so that it can be told
    let rooms = uneven().into_iter().map(|clip| ClipFeatures {
        log_mel: clip.log_mel.iter().map(|value| value - 3.0).collect(),
        ..clip
    });
    batches.reverberant = rooms
        .map(|clip| {
            let starts = clip.labelled_starts(WINDOW.frames);
            (clip, starts)
        })
        .collect();
    let wet = batches.batch(0, &batches.order(0));
    assert_eq!(wet.labels, dry.labels);
    assert!(wet.windows.iter().zip(&dry.windows).any(|(wet, dry)| wet < dry));
}

#[test]
fn a_batch_depends_on_its_step_alone() {
    let batches = batches(uneven(), spec());
    let order = batches.order(0);
    let second = batches.batch(1, &order);
    assert_ne!(batches.batch(0, &order), second);
    assert_eq!(batches.batch(1, &order), second);
}
