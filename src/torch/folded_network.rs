//! A network of any kind, batch norm folded away, no dropout, no gradients: libtorch scores each window from scratch. The
//! reference that the incremental engine is held to.

use tch::{TchError, Tensor};

use super::Network;
use super::conv_trunk::{ConvBlock, ConvTrunk, channels_last};
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::mobile_trunk::MobileTrunk;
use super::network::NetworkTrunk;
use super::projection::Projection;
use crate::model::ConvLayer;

/// Epsilon of the batch norms; tch's default, which training uses.
const NORM_EPSILON: f64 = 1e-5;

/// Convolutions ready for inference.
pub struct FoldedTrunk {
    /// Channels and bands of a frame.
    pub frame_shape: [i64; 2],
    pub blocks: Vec<FoldedBlock>,
}

/// One convolution with its batch norm folded in.
pub struct FoldedBlock {
    /// `[channels, channels_in, bands, columns]`
    pub weight: Tensor,
    /// `[channels]`
    pub bias: Tensor,
    pub layer: ConvLayer,
}

impl FoldedTrunk {
    /// Folds the batch norms of a trained trunk.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(trunk: &ConvTrunk) -> Result<Self, TchError> {
        let blocks = trunk.blocks.iter().map(fold).collect::<Result<_, _>>()?;
        Ok(Self { frame_shape: trunk.frame_shape, blocks })
    }

    /// Columns of whole windows.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, channels, bands_left, columns]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn columns(&self, frames: &Tensor) -> Result<Tensor, TchError> {
        let [channels, bands] = self.frame_shape;
        let mut columns = frames.f_transpose(0, 1)?.f_reshape([1, channels, bands, -1])?; // [1, channels, bands, frames]
        for (index, FoldedBlock { weight, bias, layer }) in self.blocks.iter().enumerate() {
            columns = columns.f_conv2d(weight, Some(bias), [1, 1], layer.padding(), [1, 1], 1)?; // [1, channels, bands, columns]
            if index == 0 {
                // of a single channel libtorch cannot infer the layout, and gives the slower one
                columns = channels_last(&columns)?;
            }
            if layer.pool != [1, 1] {
                columns = columns.f_max_pool2d(layer.pool, layer.pool, [0, 0], [1, 1], false)?; // pooled
            }
            // after the pool there is less of it
            columns = columns.f_relu_()?;
        }
        Ok(columns)
    }
}

fn fold(block: &ConvBlock) -> Result<FoldedBlock, TchError> {
    let ConvBlock { conv, norm, layer } = block;
    let gain = norm.ws.as_ref().expect("invariant: the trunk's batch norms have weights");
    let shift = norm.bs.as_ref().expect("invariant: the trunk's batch norms have biases");
    let deviation = norm.running_var.f_add_scalar(NORM_EPSILON)?.f_sqrt()?;
    let scale = gain.f_div(&deviation)?; // [channels]
    let weight = conv.ws.f_mul(&scale.f_reshape([-1, 1, 1, 1])?)?;
    let bias = shift.f_sub(&norm.running_mean.f_mul(&scale)?)?;
    Ok(FoldedBlock { weight: channels_last(&weight)?.detach(), bias: bias.detach(), layer: *layer })
}

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
    Mobile(Box<MobileTrunk>),
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

    /// The logits of one window.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, labels]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn logits(&self, frames: &Tensor) -> Result<Tensor, TchError> {
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
        self.head.logits(&pooled)
    }
}
