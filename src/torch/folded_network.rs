//! A network of any kind, batch norm folded away, no dropout, no gradients: libtorch scores each window from scratch. The
//! reference that the incremental engine is held to.

use tch::{TchError, Tensor};

use super::Network;
use super::folded_trunk::FoldedTrunk;
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::mobile_trunk::MobileTrunk;
use super::network::NetworkTrunk;
use super::projection::Projection;

/// A network's weights, ready for inference. Holds no state of any stream.
pub struct FoldedNetwork {
    pub trunk: ReferenceTrunk,
    pub projection: Projection,
    pub lstm: Option<Lstm>,
    pub head: Head,
    /// Whether each feature is pooled beside the LSTM's state after it.
    pub features_pooled: bool,
}

/// From a window to columns. A `mobile` trunk keeps its batch norms: it is here to compare with, not to be fast.
pub enum ReferenceTrunk {
    Convolutions(FoldedTrunk),
    Mobile(MobileTrunk),
}

impl FoldedNetwork {
    /// Folds a trained network.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(network: Network) -> Result<Self, TchError> {
        Ok(Self {
            trunk: match network.trunk {
                NetworkTrunk::Convolutions(trunk) => {
                    ReferenceTrunk::Convolutions(FoldedTrunk::new(&trunk)?)
                }
                NetworkTrunk::Mobile(trunk) => ReferenceTrunk::Mobile(trunk),
            },
            projection: network.projection.detached(),
            lstm: network.lstm.as_ref().map(Lstm::detached),
            head: network.head.detached(),
            features_pooled: network.features_pooled,
        })
    }

    /// Scores one window.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, labels]`, between 0 and 1.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(&self, frames: &Tensor) -> Result<Tensor, TchError> {
        let columns = match &self.trunk {
            ReferenceTrunk::Convolutions(trunk) => trunk.columns(frames)?,
            ReferenceTrunk::Mobile(trunk) => trunk.columns(&frames.f_unsqueeze(0)?, false)?,
        }; // [1, channels, bands_left, columns]
        let stacked = self.projection.stack(&columns)?; // [1, features, stacked_width]
        let features = self.projection.project(stacked)?; // [1, features, feature_width]
        let states = match &self.lstm {
            Some(lstm) if self.features_pooled => {
                let states = lstm.states(&features, Pass::Inference)?;
                Tensor::f_cat(&[&states, &features], 2)?
            }
            Some(lstm) => lstm.states(&features, Pass::Inference)?,
            None => features,
        }; // [1, features, state_width]
        let pooled = self.head.pool(&states)?; // [1, state_width]
        self.head.logits(&pooled)?.f_sigmoid()
    }
}
