//! A network of any kind as listening sees it: batch norm folded away, no dropout, no gradients, and features of frames
//! already seen left to the caller to keep. Called by [`super::NetworkScorer`] on the classify thread.

use tch::Tensor;

use super::folded_trunk::{FoldedTrunk, TrunkState};
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::projection::Projection;
use super::{Network, NetworkError};

/// A network's weights, ready for inference. Holds no state of any stream.
pub struct FoldedNetwork {
    trunk: FoldedTrunk,
    projection: Projection,
    lstm: Option<Lstm>,
    head: Head,
}

impl FoldedNetwork {
    /// Folds a trained network.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(network: &Network) -> Result<Self, NetworkError> {
        Ok(Self {
            trunk: FoldedTrunk::new(&network.trunk)?,
            projection: network.projection.detached(),
            lstm: network.lstm.as_ref().map(Lstm::detached),
            head: network.head.detached(),
        })
    }

    /// Features of new frames that follow those `state` remembers; see [`FoldedTrunk::columns`] for how many it takes.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, features, feature_width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn features(
        &self,
        frames: &Tensor,
        state: &mut TrunkState,
    ) -> Result<Tensor, NetworkError> {
        let columns = self.trunk.columns(frames, state)?; // [1, channels, bands_left, columns]
        let stacked = self.projection.stack(&columns)?; // [1, features, stacked_width]
        Ok(self.projection.project(stacked)?) // [1, features, feature_width]
    }

    /// Scores windows from their features, each on its own.
    ///
    /// # Shapes
    /// `features`: `[windows, features, feature_width]`. Returns `[windows, labels]`, between 0 and 1.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(&self, features: &Tensor) -> Result<Tensor, NetworkError> {
        let states = match &self.lstm {
            Some(lstm) => &lstm.states(features, Pass::Inference)?,
            None => features,
        }; // [windows, features, state_width]
        let pooled = self.head.pool(states)?; // [windows, state_width]
        Ok(self.head.logits(&pooled)?.f_sigmoid()?) // [windows, labels]
    }
}
