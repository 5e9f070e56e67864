//! The second look: which windows it is asked about, what becomes of their scores, and which verifiers belong to a model.

use std::path::Path;
use std::sync::Arc;

use tympan::domain::{MelWindow, Scores, StreamId};
use tympan::model::{
    Activation, Bundle, BundleError, Model, NetworkKind, NetworkScorer, NetworkSpec,
    VERIFIER_FOLDER, VerifierSpec,
};
use tympan::recognition::Scorer;
use tympan::testing::random_bundle;

const LABELS: [&str; 3] = ["dog", "rain", "speech"];

fn bundle(kind: NetworkKind, seed: u64) -> Bundle {
    let bands = kind.standard_front_end().unwrap().mel_bands;
    random_bundle(NetworkSpec::standard(kind), kind.standard_window(), bands, &LABELS, seed)
        .unwrap()
}

/// A model that asks its verifier from `candidate` on.
fn verified(candidate: f32) -> Bundle {
    let mut model = bundle(NetworkKind::Mobile, 1);
    model.manifest.verifier = Some(VerifierSpec { candidate, share: 0.25 });
    model.verifier = Some(Box::new(bundle(NetworkKind::MobileNet, 2)));
    model
}

/// A second of a stream, every window with other values.
fn windows() -> Vec<MelWindow> {
    let stream = StreamId::unique();
    let window = |hop: u64| {
        let value = |index: usize| {
            let (frame, band) = (hop as usize * 8 + index / 101, index % 101);
            2.0 * (0.05 * frame as f32 + band as f32).sin()
        };
        let values = (0..187 * 101).map(value).collect();
        MelWindow { stream, start_frame: 8 * hop, values, ..MelWindow::zeros(0, 0) }
    };
    (0..12).map(window).collect()
}

fn scores(scorer: &mut dyn Scorer) -> Vec<Scores> {
    let windows = windows();
    let mut scores = vec![Scores::zeros(LABELS.len()); windows.len()];
    scorer.score_into(&windows, &mut scores).unwrap();
    scores
}

fn scores_of(bundle: &Bundle) -> Vec<Scores> {
    scores(&mut NetworkScorer::new(&Arc::new(Model::new(bundle))))
}

#[test]
fn a_window_in_which_the_first_network_finds_a_label_gets_one_score_of_both() {
    let both = scores_of(&verified(0.01));
    let first = scores_of(&bundle(NetworkKind::Mobile, 1));
    let second = scores_of(&bundle(NetworkKind::MobileNet, 2));
    for ((both, first), second) in both.iter().zip(&first).zip(&second) {
        assert!(first.verified.is_empty());
        assert_eq!(both.verified, second.values);
        for label in 0..LABELS.len() {
            let expected = first.values[label].powf(0.75) * second.values[label].powf(0.25);
            assert!((both.values[label] - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn a_window_without_a_candidate_costs_no_second_look() {
    assert_eq!(scores_of(&verified(0.999)), scores_of(&bundle(NetworkKind::Mobile, 1)));
}

#[test]
fn a_label_that_is_no_event_asks_for_no_second_look() {
    let first = scores_of(&bundle(NetworkKind::Mobile, 1));
    let highest = |label: usize| first.iter().map(|it| it.values[label]).fold(0.0, f32::max);
    // random weights favour one label; above the others, below it
    let loudest = (0..LABELS.len()).max_by(|a, b| highest(*a).total_cmp(&highest(*b))).unwrap();
    let others = (0..LABELS.len()).filter(|label| *label != loudest).map(highest);
    let candidate = others.fold(0.0, f32::max) + 1e-4;
    let mut model = verified(candidate);
    assert!(scores_of(&model).iter().any(|scores| !scores.verified.is_empty()));
    model.manifest.non_events = vec![LABELS[loudest].to_owned()];
    assert_eq!(scores_of(&model), first);
}

#[cfg(feature = "torch")]
#[test]
fn libtorch_verifies_alike() {
    use tympan::torch::{ReferenceScorer, check_engines};

    let model = verified(0.01);
    let reference = scores(&mut ReferenceScorer::new(&model).unwrap());
    for (ours, theirs) in scores_of(&model).iter().zip(&reference) {
        let pairs = ours.values.iter().chain(&ours.verified);
        let pairs = pairs.zip(theirs.values.iter().chain(&theirs.verified));
        assert_eq!(ours.verified.len(), theirs.verified.len());
        assert!(
            pairs.clone().all(|(a, b)| (a - b).abs() < 1e-5),
            "{:?}",
            pairs.collect::<Vec<_>>()
        );
    }
    check_engines(&model, &Arc::new(Model::new(&model))).unwrap();
}

fn write(bundle: &mut Bundle, folder: &Path) {
    let weights = bundle.weights.to_bytes().unwrap();
    Bundle::write(folder, &mut bundle.manifest, &weights, "").unwrap();
}

#[test]
fn a_bundle_brings_its_verifier_along_and_refuses_that_of_another_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = verified(0.01);
    write(&mut model, folder.path());
    let error = Bundle::load(folder.path()).err().unwrap().to_string();
    assert!(error.contains(VERIFIER_FOLDER), "{error}");
    let inside = folder.path().join(VERIFIER_FOLDER);
    let mut verifier = bundle(NetworkKind::MobileNet, 2);
    write(&mut verifier, &inside);
    let loaded = Bundle::load(folder.path()).unwrap();
    assert_eq!(scores_of(&loaded), scores_of(&model));
    assert!(Model::new(&loaded).network_words().contains("verifier: mobilenet"));

    verifier.manifest.activation = Activation::Softmax;
    write(&mut verifier, &inside);
    let error = Bundle::load(folder.path()).err().unwrap();
    assert!(matches!(&error, BundleError::Verifier { what: "activation", .. }), "{error}");
    // one that has a verifier itself
    write(&mut verified(0.01), &inside);
    write(&mut bundle(NetworkKind::MobileNet, 2), &inside.join(VERIFIER_FOLDER));
    let error = Bundle::load(folder.path()).err().unwrap();
    assert!(matches!(&error, BundleError::Verifier { what: "verifier", .. }), "{error}");
}

#[test]
fn softmax_scores_sum_to_one_and_order_labels_as_sigmoid_does() {
    let sigmoid = bundle(NetworkKind::Mobile, 1);
    let mut softmax = bundle(NetworkKind::Mobile, 1);
    softmax.manifest.activation = Activation::Softmax;
    for (softmax, sigmoid) in scores_of(&softmax).iter().zip(&scores_of(&sigmoid)) {
        assert!((softmax.values.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(softmax.best().unwrap().0, sigmoid.best().unwrap().0);
    }
}
