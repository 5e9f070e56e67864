//! Scores windows with libtorch, each from scratch: `engine = "libtorch"`, and what the incremental engine is held to. Runs
//! on the classify thread and on `torch_threads` − 1 of libtorch's own.

use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::folded_network::FoldedNetwork;
use super::{Network, NetworkMode, TorchError, load_weights};
use crate::domain::{LabelSet, MelWindow, Scores};
use crate::model::{Bundle, Manifest};
use crate::recognition::{Scorer, ScorerError};

/// A scorer that keeps nothing from window to window.
pub struct ReferenceScorer {
    manifest: Manifest,
    labels: LabelSet,
    network: FoldedNetwork,
}

impl ReferenceScorer {
    /// A scorer with a bundle's weights.
    ///
    /// # Errors
    /// [`TorchError`] when libtorch fails.
    pub fn new(bundle: &Bundle) -> Result<Self, TorchError> {
        let _guard = tch::no_grad_guard();
        let Bundle { manifest, labels, weights } = bundle;
        let store = VarStore::new(Device::Cpu);
        let (mel_bands, outputs) = (manifest.front_end.mel_bands as i64, labels.len() as i64);
        let mode = NetworkMode::Inference;
        let network = Network::new(&store.root(), &manifest.network, mel_bands, outputs, mode);
        load_weights(weights, &store.variables())?;
        let network = FoldedNetwork::new(network)?;
        Ok(Self { manifest: manifest.clone(), labels: labels.clone(), network })
    }

    fn score(&self, window: &MelWindow, scores: &mut Scores) -> Result<(), TorchError> {
        let frames = Tensor::f_from_slice(&window.values)?;
        let frames = frames.f_reshape([-1, self.manifest.front_end.mel_bands as i64])?;
        let row = self.network.scores(&frames)?; // [1, labels]
        row.f_copy_data(&mut scores.0, self.labels.len())?;
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
