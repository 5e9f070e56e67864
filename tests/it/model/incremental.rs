//! A window's scores depend on its own samples alone: any walk through the stream gives what scoring from scratch gives.

use proptest::prelude::*;
use tch::nn::{ModuleT, VarStore};
use tympan::domain::{MelWindow, Scores};
use tympan::features::WindowSpec;
use tympan::model::{Bundle, Crnn, NetworkSpec, Schedule};
use tympan::recognition::Scorer;

use super::{shipped, small_network, window_at, write_small_bundle};

/// How far scores may differ between two ways of computing them.
const TOLERANCE: f32 = 1e-5;

fn score(scorer: &mut dyn Scorer, window: &MelWindow) -> Vec<f32> {
    let mut scores = [Scores::zeros(scorer.labels().len())];
    scorer.score_into(std::slice::from_ref(window), &mut scores).unwrap();
    scores[0].0.clone()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
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

fn walk(bundle: &Bundle, seed: u64, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut incremental = bundle.scorer(Schedule::Incremental).unwrap();
    let mut from_scratch = bundle.scorer(Schedule::FromScratch).unwrap();
    let shape = (bundle.manifest.window, bundle.manifest.front_end.mel_bands);
    let hop = shape.0.hop_frames as u64;
    let (mut start, mut segment) = (0, 0);
    for step in steps {
        match step {
            Step::Hops(hops) => start += hops * hop,
            Step::Again => {}
            Step::Gap => {
                segment += 1;
                start = 0;
            }
            Step::Back => start = start.saturating_sub(3 * hop),
        }
        let mut window = window_at(seed + segment, start, shape.0.frames, shape.1);
        window.segment = segment;
        let apart = furthest(&score(&mut incremental, &window), &score(&mut from_scratch, &window));
        prop_assert!(apart < TOLERANCE, "{step:?}: scores are {apart} apart");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_walk_gives_the_scores_of_a_fresh_start(
        seed in 0u64..1_000_000,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        write_small_bundle(folder.path(), seed as i64);
        walk(&Bundle::load(folder.path()).unwrap(), seed, &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn so_it_is_with_the_shipped_network(
        seed in 0u64..1_000_000,
        steps in proptest::collection::vec(step(), 1..20),
    ) {
        walk(&Bundle::load(&shipped()).unwrap(), seed, &steps)?;
    }
}

#[test]
fn a_hop_beyond_the_features_of_a_window_is_caught_up_with() {
    // one feature a window, and two new ones a hop
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = write_small_bundle(folder.path(), 8);
    manifest.window = WindowSpec { frames: 8, hop_frames: 4 };
    let weights = std::fs::read(folder.path().join("weights.safetensors")).unwrap();
    Bundle::write(folder.path(), &mut manifest, &weights, "a card").unwrap();
    let bundle = Bundle::load(folder.path()).unwrap();
    walk(&bundle, 1, &[Step::Hops(1); 5]).unwrap();
}

#[test]
fn the_sizes_tell_how_many_parameters_there_are() {
    for bands in [8, 16] {
        let store = VarStore::new(tch::Device::Cpu);
        Crnn::new(&store.root(), &small_network(), bands, 3, 0.0);
        let counted: usize = store.variables().values().map(tch::Tensor::numel).sum();
        assert_eq!(small_network().parameters(bands, 3), counted as i64);
    }
}

#[test]
fn a_batch_of_windows_scores_as_one_by_one() {
    let bundle = Bundle::load(&shipped()).unwrap();
    let windows: Vec<MelWindow> = [0, 4, 8, 40].map(|start| window_at(3, start, 94, 64)).to_vec();
    let mut together = vec![Scores::zeros(50); windows.len()];
    bundle.scorer(Schedule::Incremental).unwrap().score_into(&windows, &mut together).unwrap();
    let mut alone = bundle.scorer(Schedule::FromScratch).unwrap();
    for (window, scores) in windows.iter().zip(&together) {
        assert!(furthest(&score(&mut alone, window), &scores.0) < TOLERANCE);
    }
}

#[test]
fn listening_gives_what_training_saw() {
    // batch norm with statistics that are not those of an untrained network
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_small_bundle(folder.path(), 5);
    let store = VarStore::new(tch::Device::Cpu);
    let network = Crnn::new(&store.root(), &small_network(), 8, 3, 0.0);
    for (name, mut variable) in store.variables() {
        tch::no_grad(|| {
            if name.ends_with("running_var") {
                let _ = variable.uniform_(0.5, 2.0);
            } else if name.ends_with("running_mean") || name.ends_with("norm.bias") {
                let _ = variable.uniform_(-0.5, 0.5);
            }
        });
    }
    let weights = tympan::model::write_weights(&store.variables()).unwrap();
    Bundle::write(folder.path(), &mut manifest.clone(), &weights, "a card").unwrap();
    let bundle = Bundle::load(folder.path()).unwrap();
    let NetworkSpec::Crnn(spec) = &bundle.manifest.network;
    assert_eq!(spec.features_of(14), 4);
    let window = window_at(9, 0, 14, 8);
    let heard = score(&mut bundle.scorer(Schedule::Incremental).unwrap(), &window);
    let input = tch::Tensor::from_slice(&window.values).reshape([1, 14, 8]);
    let trained = tch::no_grad(|| network.forward_t(&input, false).sigmoid());
    let trained = Vec::<f32>::try_from(trained.reshape([-1])).unwrap();
    assert!(furthest(&heard, &trained) < TOLERANCE, "{heard:?} {trained:?}");
    assert!(furthest(&heard, &[0.5; 3]) > 1e-3, "scores that say nothing test nothing: {heard:?}");
}

#[test]
fn a_window_of_another_size_is_an_error_and_not_a_crash() {
    let bundle = Bundle::load(&shipped()).unwrap();
    let mut scorer = bundle.scorer(Schedule::Incremental).unwrap();
    let mut scores = [Scores::zeros(50)];
    let error = scorer.score_into(&[MelWindow::zeros(93, 64)], &mut scores).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("5952") && cause.contains("6016"), "{cause}");
}
