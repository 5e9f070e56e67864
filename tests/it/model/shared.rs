//! One model, many inputs: whoever shares it, and in whatever order windows come, an input's scores are its own.

use std::sync::Arc;

use proptest::prelude::*;
use tympan::domain::{MelWindow, Scores, StreamId};
use tympan::features::WindowSpec;
use tympan::model::{Model, NetworkScorer, NetworkSpec};
use tympan::recognition::Scorer;
use tympan::testing::random_bundle;

use super::random_network::any_network_and_window;
use super::{BANDS, LABELS, small_network, window_at};

fn model(network: NetworkSpec, window: WindowSpec) -> Arc<Model> {
    let bundle = random_bundle(network, window, BANDS, &LABELS, 5).unwrap();
    Arc::new(Model::new(&bundle))
}

fn score(scorer: &mut dyn Scorer, windows: &[MelWindow]) -> Vec<Scores> {
    let mut scores = vec![Scores::zeros(LABELS.len()); windows.len()];
    scorer.score_into(windows, &mut scores).unwrap();
    scores
}

/// The windows of an input, hop by hop, each input with its own sound and all with the same segment and frames.
fn windows_of(spec: WindowSpec, input: u64, stream: StreamId, count: usize) -> Vec<MelWindow> {
    let hop = spec.hop_frames as u64;
    let window = |at| window_at(1_000 + input, at * hop, spec.frames, BANDS);
    (0..count as u64).map(|at| MelWindow { stream, ..window(at) }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn inputs_that_share_a_scorer_score_as_each_would_alone(
        (network, window) in any_network_and_window(),
        inputs in 1usize..40,
        order in proptest::collection::vec((0usize..40, 1usize..4), 1..120),
    ) {
        let model = model(network, window);
        let streams: Vec<StreamId> = (0..inputs).map(|_| StreamId::unique()).collect();
        let all: Vec<Vec<MelWindow>> = streams
            .iter()
            .enumerate()
            .map(|(input, &stream)| windows_of(window, input as u64, stream, 400))
            .collect();
        let mut alone: Vec<_> = (0..inputs).map(|_| NetworkScorer::new(&model)).collect();
        let (mut shared, mut at) = (NetworkScorer::new(&model), vec![0; inputs]);
        // batches of windows of several inputs
        for turns in order.chunks(3) {
            let mut batch = Vec::new();
            let mut expected = Vec::new();
            for &(input, count) in turns {
                let input = input % inputs;
                let windows = &all[input][at[input]..at[input] + count];
                at[input] += count;
                expected.extend(score(&mut alone[input], windows));
                batch.extend_from_slice(windows);
            }
            prop_assert_eq!(score(&mut shared, &batch), expected);
        }
    }
}

#[test]
fn a_model_is_shared_by_threads() {
    let window = WindowSpec { frames: 14, hop_frames: 2 };
    let model = model(small_network(), window);
    let windows = windows_of(window, 1, StreamId::unique(), 20);
    let expected = score(&mut NetworkScorer::new(&model), &windows);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (model, windows) = (Arc::clone(&model), windows.clone());
            std::thread::spawn(move || score(&mut NetworkScorer::new(&model), &windows))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}
