//! The scores that the shipped model gave when it was released: a build without libtorch has nothing else to be held to.
//!
//! `tests/golden/esc50_scores.json` was written by libtorch, with `TYMPAN_WRITE_GOLDEN=1 cargo test --test it stored_scores`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tympan::domain::{MelWindow, SampleRate, Scores, StreamId};
use tympan::features::{Arrival, Featuriser, FeaturiserSpec};
use tympan::model::{Bundle, Model, NetworkScorer};
use tympan::recognition::Scorer;
use tympan::sources::{Repeat, SampleReader, Soundscape};

use super::{shipped, window_at};

/// How far scores may differ from the stored ones: what engines and processors round differently.
const TOLERANCE: f32 = 1e-5;

/// Of windows that went through the front end too, whose transforms round differently as well.
const FRONT_END_TOLERANCE: f32 = 1e-4;

/// Every so many windows of the demo one is stored.
const EVERY: usize = 40;

#[derive(Debug, Serialize, Deserialize)]
struct StoredScores {
    /// Of windows of pseudo-random frames, each a hop after the one before.
    frames: Vec<Vec<f32>>,
    /// Of every fortieth window of one round of the demo.
    demo: Vec<Vec<f32>>,
}

fn frame_windows() -> Vec<MelWindow> {
    let stream = StreamId::unique();
    (0..6).map(|hop| MelWindow { stream, ..window_at(3, hop * 8, 187, 101) }).collect()
}

fn demo_windows(spec: &FeaturiserSpec) -> Vec<MelWindow> {
    let mut demo = Soundscape::with_repeat(1, Repeat::Once);
    let rate: SampleRate = demo.sample_rate();
    let mut featuriser = Featuriser::new(spec, rate).unwrap();
    let (mut windows, empty) = (Vec::new(), featuriser.empty_window());
    let mut block = [0.0; 4_800];
    loop {
        let read = demo.read(&mut block).unwrap();
        if read == 0 {
            return windows;
        }
        featuriser.push(&block[..read], Arrival::now(), &mut |mut ready| {
            let mut window = empty.clone();
            ready.copy_into(&mut window);
            windows.push(window);
        });
    }
}

fn scores_by(scorer: &mut dyn Scorer, spec: &FeaturiserSpec) -> StoredScores {
    let mut all = |windows: &[MelWindow], every: usize| {
        let mut scores = vec![Scores::zeros(scorer.labels().len()); windows.len()];
        scorer.score_into(windows, &mut scores).unwrap();
        scores.into_iter().step_by(every).map(|scores| scores.values).collect::<Vec<_>>()
    };
    StoredScores { frames: all(&frame_windows(), 1), demo: all(&demo_windows(spec), EVERY) }
}

#[track_caller]
fn assert_near(found: &[Vec<f32>], stored: &[Vec<f32>], tolerance: f32) {
    assert_eq!(found.len(), stored.len());
    for (at, (found, stored)) in found.iter().zip(stored).enumerate() {
        for (label, (found, stored)) in found.iter().zip(stored).enumerate() {
            let apart = (found - stored).abs();
            assert!(apart <= tolerance, "window {at}, label {label}: {found}, not {stored}");
        }
    }
}

#[test]
fn the_shipped_model_gives_its_stored_scores() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/esc50_scores.json");
    let bundle = Bundle::load(&shipped()).unwrap();
    let spec = bundle.featuriser_spec();
    #[cfg(feature = "torch")]
    if std::env::var_os("TYMPAN_WRITE_GOLDEN").is_some() {
        let mut reference = tympan::torch::ReferenceScorer::new(&bundle).unwrap();
        let scores = scores_by(&mut reference, &spec);
        std::fs::write(&path, serde_json::to_string(&scores).unwrap()).unwrap();
    }
    let stored: StoredScores =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let model = std::sync::Arc::new(Model::new(&bundle));
    let found = scores_by(&mut NetworkScorer::new(&model), &spec);
    assert_near(&found.frames, &stored.frames, TOLERANCE);
    assert_near(&found.demo, &stored.demo, FRONT_END_TOLERANCE);
    // the stored windows are not all of one kind
    let best = |scores: &Vec<f32>| scores.iter().copied().fold(0.0, f32::max);
    assert!(stored.demo.iter().any(|scores| best(scores) > 0.5), "the demo has sounds");
}
