//! The convolutions of `conv1d`, `cnn` and `crnn` as listening sees them: batch norm folded away, and only new frames
//! convolved. Made from [`super::conv_trunk`]'s trained form; runs on the classify thread.

use tch::Tensor;

use super::NetworkError;
use super::conv_trunk::{ConvBlock, ConvTrunk, channels_last};
use super::structure::ConvLayer;

/// Epsilon of the batch norms; tch's default, which training uses.
const NORM_EPSILON: f64 = 1e-5;

/// Convolutions ready for inference. Holds no state of any stream.
pub struct FoldedTrunk {
    frame_shape: [i64; 2],
    blocks: Vec<FoldedBlock>,
}

/// One convolution with its batch norm folded in.
struct FoldedBlock {
    weight: Tensor,
    bias: Tensor,
    layer: ConvLayer,
}

/// What is kept of a stream between two calls: the last input columns of every convolution.
#[derive(Default)]
pub struct TrunkState {
    /// `[1, channels, bands, kernel − 1]` for each block; empty before the first frames.
    tails: Vec<Tensor>,
}

impl FoldedTrunk {
    /// Folds the batch norms of a trained trunk.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(trunk: &ConvTrunk) -> Result<Self, NetworkError> {
        let blocks = trunk.blocks.iter().map(fold).collect::<Result<_, _>>()?;
        Ok(Self { frame_shape: trunk.frame_shape, blocks })
    }

    /// Columns of new frames that follow those `state` remembers.
    ///
    /// A fresh `state` takes as many frames as one feature depends on plus any multiple of the stride; a used one any
    /// multiple of the stride. Then every convolution and pool consumes its input exactly, so nothing but the last columns
    /// is kept.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, channels, bands_left, columns]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn columns(&self, frames: &Tensor, state: &mut TrunkState) -> Result<Tensor, NetworkError> {
        let [channels, bands] = self.frame_shape;
        let mut columns = frames.f_transpose(0, 1)?.f_reshape([1, channels, bands, -1])?; // [1, channels, bands, frames]
        for (index, block) in self.blocks.iter().enumerate() {
            if let Some(tail) = state.tails.get(index) {
                columns = Tensor::f_cat(&[tail, &columns], 3)?; // [1, channels_in, bands, kernel − 1 + frames]
            }
            let kept = block.layer.kernel[1] - 1;
            let tail = columns.f_narrow(3, columns.size()[3] - kept, kept)?;
            match state.tails.get_mut(index) {
                Some(old) => *old = tail,
                None => state.tails.push(tail),
            }
            let (weight, bias, layer) = (&block.weight, Some(&block.bias), &block.layer);
            columns = columns.f_conv2d(weight, bias, [1, 1], layer.padding(), [1, 1], 1)?; // [1, channels, bands, frames]
            if index == 0 {
                // of a single channel libtorch cannot tell the layout, and gives the slower one
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

fn fold(block: &ConvBlock) -> Result<FoldedBlock, NetworkError> {
    let ConvBlock { conv, norm, layer } = block;
    let gain = norm.ws.as_ref().expect("invariant: the trunk's batch norms have weights");
    let shift = norm.bs.as_ref().expect("invariant: the trunk's batch norms have biases");
    let deviation = norm.running_var.f_add_scalar(NORM_EPSILON)?.f_sqrt()?;
    let scale = gain.f_div(&deviation)?; // [channels]
    let weight = conv.ws.f_mul(&scale.f_reshape([-1, 1, 1, 1])?)?;
    let bias = shift.f_sub(&norm.running_mean.f_mul(&scale)?)?;
    Ok(FoldedBlock {
        weight: channels_last(&weight)?.detach(), // [channels, channels_in, bands, columns]
        bias: bias.detach(),
        layer: *layer,
    })
}
