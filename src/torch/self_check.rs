//! Both engines on one fixed input, each time that a model is loaded: an unknown processor must never mean wrong labels.

use std::sync::Arc;

use super::{ReferenceScorer, TorchError};
use crate::domain::{MelWindow, Scores, StreamId};
use crate::model::{Bundle, Model, NetworkScorer};
use crate::recognition::Scorer;

/// How far apart the scores of one window may be. Rounding alone makes them differ by less than a tenth of it.
const MAX_DIFFERENCE: f32 = 1e-4;

/// Waves through frames and bands, in radians a frame and a band, with the amplitude of normalised log-mel values. Noise would
/// not do: scores near 0 hardly change whatever goes wrong, and of the shipped model these give scores of 0.4 to 0.6.
const WAVES: [(f64, f64); 3] = [(0.0, 0.3), (0.05, 1.0), (0.5, 0.1)];

/// The incremental engine goes on from the first window of each wave with these many more, a hop apart.
const MORE_WINDOWS: usize = 2;

/// Scores a fixed input with both engines.
///
/// # Errors
/// [`TorchError::EnginesDiffer`] when two scores are too far apart; others when an engine fails.
pub fn check_engines(bundle: &Bundle, model: &Arc<Model>) -> Result<(), TorchError> {
    let windows = fixed_windows(bundle);
    let scores = |scorer: &mut dyn Scorer| {
        let mut scores = vec![Scores::zeros(bundle.labels.len()); windows.len()];
        scorer.score_into(&windows, &mut scores).map(|()| scores)
    };
    let incremental = scores(&mut NetworkScorer::new(model))?;
    let libtorch = scores(&mut ReferenceScorer::new(bundle)?)?;
    for (incremental, libtorch) in incremental.iter().zip(&libtorch) {
        let pairs = incremental.0.iter().zip(&libtorch.0).enumerate();
        let (label, (&incremental, &libtorch)) = pairs
            .max_by(|(_, (a, b)), (_, (c, d))| (*a - *b).abs().total_cmp(&(*c - *d).abs()))
            .expect("invariant: a model has labels");
        // written so that NaN fails
        let agrees = (incremental - libtorch).abs() <= MAX_DIFFERENCE;
        if !agrees {
            let label = bundle.labels.label(label).to_string();
            let max = MAX_DIFFERENCE;
            return Err(TorchError::EnginesDiffer { label, incremental, libtorch, max });
        }
    }
    Ok(())
}

/// For each of [`WAVES`], windows that follow each other.
fn fixed_windows(bundle: &Bundle) -> Vec<MelWindow> {
    let (spec, mel_bands) = (bundle.manifest.window, bundle.manifest.front_end.mel_bands);
    let window = |(a_frame, a_band): (f64, f64), stream: StreamId, start: usize| {
        let value = |index: usize| {
            let (frame, band) = (start + index / mel_bands, index % mel_bands);
            (2.0 * (frame as f64 * a_frame + band as f64 * a_band).sin()) as f32
        };
        let values = (0..spec.frames * mel_bands).map(value).collect();
        MelWindow { stream, start_frame: start as u64, values, ..MelWindow::zeros(0, 0) }
    };
    let windows = WAVES.iter().flat_map(|&wave| {
        let stream = StreamId::unique();
        (0..=MORE_WINDOWS).map(move |hops| window(wave, stream, hops * spec.hop_frames))
    });
    windows.collect()
}
