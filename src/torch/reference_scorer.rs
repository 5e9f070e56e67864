//! Scores windows with libtorch, each from scratch: `engine = "libtorch"`, and what the incremental engine is held to, each
//! time that a model is loaded: an unknown processor must never mean wrong labels. Runs on the classify thread and on
//! `torch_threads` − 1 of libtorch's own.

use std::sync::Arc;

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::error::NO_MACHINE_CODE;
use super::folded_network::FoldedNetwork;
use super::{Network, NetworkMode, TorchError, load_weights};
use crate::domain::{LabelSet, MelWindow, Scores, StreamId};
use crate::model::{Activation, Bundle, Manifest, Model, NetworkScorer, SecondLook};
use crate::recognition::{Scorer, ScorerError};

/// A scorer that keeps nothing from window to window.
pub struct ReferenceScorer {
    manifest: Manifest,
    labels: LabelSet,
    network: FoldedNetwork,
    kind: Kind,
    verifier: Option<(SecondLook, Box<Self>)>,
}

impl ReferenceScorer {
    /// A scorer with a bundle's weights. It computes with 32 bits, or with 64 where oneDNN may not make machine code.
    ///
    /// # Errors
    /// [`TorchError`] when libtorch fails.
    pub fn new(bundle: &Bundle) -> Result<Self, TorchError> {
        let scorer = Self::of_kind(bundle, Kind::Float)?;
        let (frames, mel_bands) =
            (bundle.manifest.window.frames, bundle.manifest.front_end.mel_bands);
        let _guard = tch::no_grad_guard();
        let silence = MelWindow::zeros(frames, mel_bands);
        match scorer.score(&silence, &mut Scores::zeros(bundle.labels.len())) {
            Err(TorchError::Runtime { reason }) if reason.contains(NO_MACHINE_CODE) => {
                Self::of_kind(bundle, Kind::Double)
            }
            scored => scored.map(|()| scorer),
        }
    }

    fn of_kind(bundle: &Bundle, kind: Kind) -> Result<Self, TorchError> {
        let _guard = tch::no_grad_guard();
        let Bundle { manifest, labels, weights, .. } = bundle;
        let mut store = VarStore::new(Device::Cpu);
        let (mel_bands, outputs) = (manifest.front_end.mel_bands as i64, labels.len() as i64);
        let mode = NetworkMode::Inference;
        let network = Network::new(&store.root(), &manifest.network, mel_bands, outputs, mode);
        load_weights(weights, &store.variables())?;
        if kind == Kind::Double {
            store.double();
        }
        let network = FoldedNetwork::new(network)?;
        let verifier = match (&bundle.verifier, SecondLook::of(manifest)) {
            (Some(verifier), Some(look)) => Some((look, Box::new(Self::of_kind(verifier, kind)?))),
            _ => None,
        };
        Ok(Self { manifest: manifest.clone(), labels: labels.clone(), network, kind, verifier })
    }

    fn score(&self, window: &MelWindow, scores: &mut Scores) -> Result<(), TorchError> {
        self.score_once(window, scores)?;
        match &self.verifier {
            Some((look, verifier)) => {
                look.apply(scores, |scores| verifier.score_once(window, scores))
            }
            None => Ok(()),
        }
    }

    fn score_once(&self, window: &MelWindow, scores: &mut Scores) -> Result<(), TorchError> {
        let frames = Tensor::f_from_slice(&window.values)?;
        let frames = frames.f_reshape([-1, self.manifest.front_end.mel_bands as i64])?;
        let logits = self.network.logits(&frames.f_to_kind(self.kind)?)?; // [1, labels]
        let row = match self.manifest.activation {
            Activation::Sigmoid => logits.f_sigmoid()?,
            Activation::Softmax => logits.f_softmax(-1, self.kind)?,
        };
        let row = row.f_to_kind(Kind::Float)?;
        row.f_copy_data(&mut scores.values, self.labels.len())?;
        Ok(())
    }
}

impl Scorer for ReferenceScorer {
    fn labels(&self) -> &LabelSet {
        &self.labels
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        self.manifest.check_windows(windows).map_err(|error| ScorerError(Box::new(error)))?;
        let _guard = tch::no_grad_guard();
        let mut windows = windows.iter().zip(scores);
        windows
            .try_for_each(|(window, scores)| self.score(window, scores))
            .map_err(|error| ScorerError(Box::new(error)))
    }
}

/// How far apart the scores of one window may be. Rounding alone makes them differ by less than a tenth of it.
const MAX_DIFFERENCE: f32 = 1e-4;

/// Waves through frames and bands, in radians a frame and a band, with the amplitude of normalised log-mel values. Noise would
/// not do: scores near 0 hardly change whatever goes wrong, and of the shipped model these give scores of 0.4 to 0.6.
const WAVES: [(f64, f64); 3] = [(0.0, 0.3), (0.05, 1.0), (0.5, 0.1)];

/// The incremental engine goes on from the first window of each wave with these many more, a hop apart.
const MORE_WINDOWS: usize = 2;

/// Scores a fixed input with both engines, and with both of a verifier alone.
///
/// # Errors
/// [`TorchError::EnginesDiffer`] when two scores are too far apart; others when an engine fails.
pub fn check_engines(bundle: &Bundle, model: &Arc<Model>) -> Result<(), TorchError> {
    if let Some(verifier) = &bundle.verifier {
        check_engines(verifier, &Arc::new(Model::new(verifier)))?;
    }
    let windows = fixed_windows(bundle);
    let scores = |scorer: &mut dyn Scorer| {
        let mut scores = vec![Scores::zeros(bundle.labels.len()); windows.len()];
        scorer.score_into(&windows, &mut scores).map(|()| scores)
    };
    let incremental = scores(&mut NetworkScorer::new(model))?;
    let libtorch = scores(&mut ReferenceScorer::new(bundle)?)?;
    for (incremental, libtorch) in incremental.iter().zip(&libtorch) {
        let pairs = incremental.values.iter().zip(&libtorch.values).enumerate();
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
