//! A window's scores depend on its own samples alone: any walk through the stream gives what scoring from scratch gives,
//! and that is what training saw.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Tensor};
use tympan::domain::{MelWindow, Scores};
use tympan::features::WindowSpec;
use tympan::model::{Bundle, Model, NetworkKind, NetworkScorer, NetworkSpec, TimePooling};
use tympan::recognition::Scorer;
use tympan::testing::random_bundle;
use tympan::torch::{
    Network, NetworkMode, ReferenceScorer, TorchError, check_engines, load_weights, weights_of,
    with_random_seed,
};

use super::random_network::{any_network, any_network_and_window};
use super::{BANDS, LABELS, shipped, small_network, window_at};

/// How far scores may differ between two ways of computing them.
const TOLERANCE: f32 = 1e-5;

/// The network of a bundle as training has it, and its variables.
fn trained_network(bundle: &Bundle) -> (Network, HashMap<String, Tensor>) {
    let Bundle { manifest, labels, weights, .. } = bundle;
    let (bands, labels) = (manifest.front_end.mel_bands as i64, labels.len() as i64);
    let store = VarStore::new(Device::Cpu);
    let mode = NetworkMode::Training { dropout: 0.5 };
    let network =
        with_random_seed(1, || Network::new(&store.root(), &manifest.network, bands, labels, mode));
    let variables = store.variables();
    tch::no_grad(|| load_weights(weights, &variables)).unwrap();
    (network, variables)
}

fn incremental(bundle: &Bundle) -> NetworkScorer {
    NetworkScorer::new(&Arc::new(Model::new(bundle)))
}

fn from_scratch(bundle: &Bundle) -> ReferenceScorer {
    ReferenceScorer::new(bundle).unwrap()
}

/// Standard sizes, windows and bands.
fn standard(spec: NetworkSpec, seed: u64) -> Bundle {
    let (window, bands) = (spec.kind().standard_window(), bands_of(spec.kind()));
    random_bundle(spec, window, bands, &LABELS, seed).unwrap()
}

fn bands_of(kind: NetworkKind) -> usize {
    kind.standard_front_end().unwrap().mel_bands
}

fn score(scorer: &mut dyn Scorer, window: &MelWindow) -> Vec<f32> {
    let mut scores = [Scores::zeros(scorer.labels().len())];
    scorer.score_into(std::slice::from_ref(window), &mut scores).unwrap();
    scores[0].values.clone()
}

/// What the network says as training runs it.
fn trained_scores(network: &Network, window: &MelWindow, mel_bands: usize) -> Vec<f32> {
    let input = Tensor::from_slice(&window.values).reshape([1, -1, mel_bands as i64]);
    let scores = tch::no_grad(|| network.forward_t(&input, false).sigmoid());
    Vec::<f32>::try_from(scores.reshape([-1])).unwrap()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// What comes next in a walk through the stream.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// This many hops on; more than one means skipped windows.
    Hops(u64),
    /// The same window again.
    Again,
    /// A gap: another segment, starting anew.
    Gap,
    /// Back in time, as a restarted source would.
    Back,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Hops(1)),
        3 => (2u64..12).prop_map(Step::Hops),
        1 => Just(Step::Again),
        1 => Just(Step::Gap),
        1 => Just(Step::Back),
    ]
}

/// The windows that a walk comes by.
fn windows_of(
    seed: u64,
    (window, mel_bands): (WindowSpec, usize),
    steps: &[Step],
) -> Vec<MelWindow> {
    let hop = window.hop_frames as u64;
    let (mut start, mut segment) = (0, 0);
    let windows = steps.iter().map(|step| {
        match step {
            Step::Hops(hops) => start += hops * hop,
            Step::Again => {}
            Step::Gap => {
                segment += 1;
                start = 0;
            }
            Step::Back => start = start.saturating_sub(3 * hop),
        }
        let mut window = window_at(seed + segment, start, window.frames, mel_bands);
        window.segment = segment;
        window
    });
    windows.collect()
}

/// Walks by single windows and by batches of these many in turn.
fn walk(
    bundle: &Bundle,
    seed: u64,
    steps: &[Step],
    batches: &[usize],
) -> Result<(), TestCaseError> {
    let (mut incremental, mut from_scratch) = (incremental(bundle), from_scratch(bundle));
    let shape = (bundle.manifest.window, bundle.manifest.front_end.mel_bands);
    let windows = windows_of(seed, shape, steps);
    let (mut done, mut turn) = (0, batches.iter().cycle());
    while done < windows.len() {
        let count = turn.next().map_or(1, |&count| count).min(windows.len() - done);
        let batch = &windows[done..done + count];
        let mut scores = vec![Scores::zeros(bundle.labels.len()); count];
        incremental.score_into(batch, &mut scores).unwrap();
        for (window, scores) in batch.iter().zip(&scores) {
            let apart = furthest(&scores.values, &score(&mut from_scratch, window));
            prop_assert!(apart < TOLERANCE, "{:?} of {count}: {apart} apart", steps[done]);
            done += 1;
        }
    }
    Ok(())
}

/// How many windows come at a time.
fn batches() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), proptest::collection::vec(1usize..12, 1..6)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn any_walk_with_any_network_gives_the_scores_of_a_fresh_start(
        (network, window) in any_network_and_window(),
        seed in 0u64..1_000_000,
        steps in proptest::collection::vec(step(), 1..30),
        batches in batches(),
    ) {
        let bundle = random_bundle(network, window, BANDS, &LABELS, seed).unwrap();
        walk(&bundle, seed, &steps, &batches)?;
        let (trained, _) = trained_network(&bundle);
        let window = window_at(seed, 0, window.frames, BANDS);
        let folded = score(&mut from_scratch(&bundle), &window);
        let apart = furthest(&folded, &trained_scores(&trained, &window, BANDS));
        prop_assert!(apart < TOLERANCE, "training and inference are {apart} apart");
    }

    #[test]
    fn the_tensors_of_a_bundle_are_the_variables_that_libtorch_has(
        network in any_network(),
        labels in 1usize..4,
    ) {
        let frames = network.receptive_frames();
        let window = WindowSpec { frames, hop_frames: frames };
        let bundle = random_bundle(network, window, BANDS, &LABELS[..labels], 1).unwrap();
        let (_, variables) = trained_network(&bundle);
        prop_assert_eq!(weights_of(&variables).unwrap(), bundle.weights);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn so_it_is_with_the_shipped_network(
        seed in 0u64..1_000_000,
        steps in proptest::collection::vec(step(), 1..20),
        batches in batches(),
    ) {
        walk(&Bundle::load(&shipped()).unwrap(), seed, &steps, &batches)?;
    }
}

/// Every kind of network at its standard sizes, with either pooling.
fn standard_networks() -> impl Iterator<Item = NetworkSpec> {
    NetworkKind::ALL.into_iter().flat_map(|kind| {
        [TimePooling::Mean, TimePooling::Attention]
            .map(|pooling| NetworkSpec::standard(kind).with_pooling(pooling))
    })
}

#[test]
fn every_standard_network_scores_hop_by_hop_what_its_training_saw() {
    let steps =
        [[Step::Hops(1); 6].as_slice(), &[Step::Hops(5), Step::Gap, Step::Hops(1)]].concat();
    for spec in standard_networks() {
        let bundle = standard(spec.clone(), 11);
        let ((network, _), mut scorer) = (trained_network(&bundle), incremental(&bundle));
        let mut all = Vec::new();
        let (shape, bands) = (spec.kind().standard_window(), bands_of(spec.kind()));
        for window in windows_of(7, (shape, bands), &steps) {
            let scored = score(&mut scorer, &window);
            let trained = trained_scores(&network, &window, bands);
            assert!(furthest(&scored, &trained) < TOLERANCE, "{spec}: {scored:?} {trained:?}");
            all.push(scored);
        }
        // the last window is of another segment, and none of its sound is the first one's
        let apart = furthest(&all[0], &all[all.len() - 1]);
        assert!(apart > 1e-3, "{spec} scores everything alike: {all:?}");
    }
}

#[test]
fn attention_weighs_what_the_mean_does_not() {
    for kind in NetworkKind::ALL {
        let bands = bands_of(kind);
        let window = window_at(3, 0, kind.standard_window().frames, bands);
        let [mean, attention] = [TimePooling::Mean, TimePooling::Attention].map(|pooling| {
            let spec = NetworkSpec::standard(kind).with_pooling(pooling);
            trained_network(&standard(spec, 5))
        });
        // the same weights, but for the one that only attention has
        for (name, values) in &mean.1 {
            tch::no_grad(|| attention.1[name].shallow_clone().copy_(values));
        }
        let mut scores = [&mean.0, &attention.0].map(|it| trained_scores(it, &window, bands));
        assert!(furthest(&scores[0], &scores[1]) > 1e-4, "{kind}: {scores:?}");
        // attention that looks at nothing is the mean, as it is before training
        let _ = tch::no_grad(|| attention.1["attention.weight"].shallow_clone().zero_());
        scores[1] = trained_scores(&attention.0, &window, bands);
        assert!(furthest(&scores[0], &scores[1]) < TOLERANCE, "{kind}: {scores:?}");
    }
}

#[test]
fn a_hop_beyond_the_features_of_a_window_is_caught_up_with() {
    // one feature a window, and two new ones a hop
    let window = WindowSpec { frames: 8, hop_frames: 4 };
    let bundle = random_bundle(small_network(), window, BANDS, &LABELS, 8).unwrap();
    assert_eq!(bundle.manifest.network.features_of(8), 1);
    walk(&bundle, 1, &[Step::Hops(1); 5], &[1]).unwrap();
}

#[test]
fn an_hour_of_windows_later_scores_are_those_of_a_fresh_start() {
    // a small network, so that every one of 45,000 windows can be scored
    let spec = NetworkSpec::Crnn(tympan::model::CrnnSpec {
        blocks: vec![tympan::model::ConvBlockSpec { channels: 4, time_pool: 2, band_pool: 2 }; 2],
        projection: 6,
        lstm_hidden: 8,
        pooling: TimePooling::Attention,
    });
    let window = WindowSpec { frames: 94, hop_frames: 4 };
    let bundle = random_bundle(spec, window, BANDS, &LABELS, 3).unwrap();
    let (mut incremental, mut from_scratch) = (incremental(&bundle), from_scratch(&bundle));
    let mut furthest_of_all = 0.0f32;
    for hop in 0..45_000 {
        let window = window_at(5, hop * 4, 94, BANDS);
        let scores = score(&mut incremental, &window);
        if hop < 20 || hop % 500 == 0 || hop > 44_980 {
            let apart = furthest(&scores, &score(&mut from_scratch, &window));
            furthest_of_all = furthest_of_all.max(apart);
        }
    }
    assert!(furthest_of_all < TOLERANCE, "{furthest_of_all} apart");
}

#[test]
fn a_batch_of_windows_scores_as_one_by_one() {
    let bundle = Bundle::load(&shipped()).unwrap();
    let windows: Vec<MelWindow> =
        [0, 8, 16, 80].map(|start| window_at(3, start, 187, 101)).to_vec();
    let mut together = vec![Scores::zeros(52); windows.len()];
    incremental(&bundle).score_into(&windows, &mut together).unwrap();
    let mut alone = from_scratch(&bundle);
    for (window, scores) in windows.iter().zip(&together) {
        assert!(furthest(&score(&mut alone, window), &scores.values) < TOLERANCE);
    }
}

#[test]
fn dropout_is_for_training_alone() {
    for kind in NetworkKind::ALL {
        let (frames, bands) = (kind.standard_window().frames, bands_of(kind));
        let window = window_at(3, 0, frames, bands);
        let input = Tensor::from_slice(&window.values).reshape([1, frames as i64, bands as i64]);
        let (network, _) = trained_network(&standard(NetworkSpec::standard(kind), 5));
        // libtorch has one generator for the whole process, which other tests set back: nobody else draws meanwhile
        let twice = |train| {
            with_random_seed(7, || {
                [(); 2].map(|()| {
                    let logits = tch::no_grad(|| network.forward_t(&input, train));
                    Vec::<f32>::try_from(logits.reshape([-1])).unwrap()
                })
            })
        };
        let [first, second] = twice(false);
        assert_eq!(first, second, "{kind}");
        let [first, second] = twice(true);
        assert!(
            furthest(&first, &second) > 1e-4,
            "{kind}: half of everything left out, yet the same"
        );
    }
}

#[test]
fn a_window_of_another_size_is_an_error_and_not_a_crash() {
    let bundle = Bundle::load(&shipped()).unwrap();
    let mut scorers: [Box<dyn Scorer>; 2] =
        [Box::new(incremental(&bundle)), Box::new(from_scratch(&bundle))];
    for scorer in &mut scorers {
        let mut scores = [Scores::zeros(52)];
        let error = scorer.score_into(&[MelWindow::zeros(186, 101)], &mut scores).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("18786") && cause.contains("18887"), "{cause}");
    }
}

#[test]
fn engines_that_differ_are_refused_and_those_that_round_otherwise_are_not() {
    let bundle = Bundle::load(&shipped()).unwrap();
    check_engines(&bundle, &Arc::new(Model::new(&bundle))).unwrap();
    let mut bundle = Bundle { verifier: None, ..bundle };
    bundle.manifest.verifier = None;
    // a processor that gets the last layer slightly wrong
    let tensors = bundle.weights.iter().map(|(name, tensor)| {
        let mut tensor = tensor.clone();
        if name == "output.bias" {
            // of every other label: a change of all is none after a softmax
            tensor.values.iter_mut().step_by(2).for_each(|bias| *bias += 0.02);
        }
        (name.to_owned(), tensor)
    });
    let weights = tympan::model::Weights::new(tensors);
    let wrong = Bundle {
        weights,
        labels: bundle.labels.clone(),
        manifest: bundle.manifest.clone(),
        verifier: None,
    };
    let error = check_engines(&bundle, &Arc::new(Model::new(&wrong))).unwrap_err();
    assert!(matches!(error, TorchError::EnginesDiffer { .. }), "{error}");
    assert!(error.to_string().contains("differently"), "{error}");
}
