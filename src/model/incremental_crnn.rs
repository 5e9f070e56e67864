//! The convolutional recurrent network as listening sees it: batch norm folded away, and features of frames already seen
//! kept. Called by [`super::NetworkScorer`] on the classify thread.

use std::collections::HashMap;

use tch::Tensor;

use super::network_spec::KERNEL;
use super::{CrnnSpec, NetworkError};

/// Epsilon of the batch norms; tch's default, which training uses.
const NORM_EPSILON: f64 = 1e-5;

/// One convolution with its batch norm folded in.
struct FoldedBlock {
    weight: Tensor,
    bias: Tensor,
    pool: [i64; 2],
}

/// The network's weights, ready for inference. Holds no state of any stream.
pub struct IncrementalCrnn {
    spec: CrnnSpec,
    blocks: Vec<FoldedBlock>,
    projection: (Tensor, Tensor),
    /// Input weights, recurrent weights and their biases.
    lstm: [Tensor; 4],
    output: (Tensor, Tensor),
}

/// What is kept of a stream between two calls: the last input columns of every convolution.
#[derive(Default)]
pub struct ConvolutionState {
    /// `[1, channels, bands, KERNEL − 1]` for each block; empty before the first frames.
    tails: Vec<Tensor>,
}

impl IncrementalCrnn {
    /// Folds the batch norms of a network's variables (see [`super::Crnn::new`] for their names).
    ///
    /// # Errors
    /// [`NetworkError::MissingTensor`], or libtorch's own.
    pub fn new(spec: &CrnnSpec, variables: &HashMap<String, Tensor>) -> Result<Self, NetworkError> {
        let tensor = |name: &str| {
            variables
                .get(name)
                .map(Tensor::detach)
                .ok_or_else(|| NetworkError::MissingTensor { name: name.to_owned() })
        };
        let fold = |index: usize| -> Result<FoldedBlock, NetworkError> {
            let part = |name: &str| tensor(&format!("block{index}.{name}"));
            let deviation = (part("norm.running_var")? + NORM_EPSILON).f_sqrt()?;
            let scale = part("norm.weight")?.f_div(&deviation)?; // [channels]
            let weight = part("conv.weight")?.f_mul(&scale.f_reshape([-1, 1, 1, 1])?)?;
            let bias = part("norm.bias")?.f_sub(&part("norm.running_mean")?.f_mul(&scale)?)?;
            let block = spec.blocks[index];
            Ok(FoldedBlock {
                weight: channels_last(&weight)?, // [channels, channels_in, 3, 3]
                bias,
                pool: [block.band_pool, block.time_pool],
            })
        };
        Ok(Self {
            blocks: (0..spec.blocks.len()).map(fold).collect::<Result<_, _>>()?,
            projection: (tensor("projection.weight")?, tensor("projection.bias")?),
            lstm: [
                tensor("lstm.weight_ih_l0")?,
                tensor("lstm.weight_hh_l0")?,
                tensor("lstm.bias_ih_l0")?,
                tensor("lstm.bias_hh_l0")?,
            ],
            output: (tensor("output.weight")?, tensor("output.bias")?),
            spec: spec.clone(),
        })
    }

    /// Features of new frames that follow those `state` remembers.
    ///
    /// A fresh `state` takes [`CrnnSpec::receptive_frames`] plus any multiple of the stride; a used one any multiple of
    /// the stride. Then every convolution and pool consumes its input exactly, so nothing but the last columns is kept.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[features, projection]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn features(
        &self,
        frames: &Tensor,
        state: &mut ConvolutionState,
    ) -> Result<Tensor, NetworkError> {
        let mut columns = frames.f_transpose(0, 1)?.f_unsqueeze(0)?.f_unsqueeze(0)?; // [1, 1, mel_bands, frames]
        for (index, block) in self.blocks.iter().enumerate() {
            if let Some(tail) = state.tails.get(index) {
                columns = Tensor::f_cat(&[tail, &columns], 3)?; // [1, channels_in, bands, 2 + frames]
            }
            let kept = KERNEL - 1;
            let tail = columns.f_narrow(3, columns.size()[3] - kept, kept)?.f_contiguous()?;
            match state.tails.get_mut(index) {
                Some(old) => *old = tail,
                None => state.tails.push(tail),
            }
            let padding = [(KERNEL - 1) / 2, 0];
            columns = columns
                .f_conv2d(&block.weight, Some(&block.bias), [1, 1], padding, [1, 1], 1)?
                .f_relu_()? // [1, channels, bands, frames]
                .f_max_pool2d(block.pool, block.pool, [0, 0], [1, 1], false)?; // pooled
        }
        let features = columns
            .f_squeeze_dim(0)? // [channels, bands_left, features]
            .f_permute([2, 0, 1])? // [features, channels, bands_left]
            .f_flatten(1, 2)?; // [features, channels · bands_left]
        let (weight, bias) = &self.projection;
        Ok(features.f_linear(weight, Some(bias))?.f_relu_()?) // [features, projection]
    }

    /// Scores windows from their features, each from a zero state.
    ///
    /// # Shapes
    /// `features`: `[windows, features, projection]`. Returns `[windows, labels]`, between 0 and 1.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(&self, features: &Tensor) -> Result<Tensor, NetworkError> {
        let options = (features.kind(), features.device());
        let zero = Tensor::f_zeros([1, features.size()[0], self.spec.lstm_hidden], options)?;
        let weights: Vec<&Tensor> = self.lstm.iter().collect();
        let (states, _, _) =
            features.f_lstm(&[&zero, &zero], &weights, true, 1, 0.0, false, false, true)?; // [windows, features, hidden]
        let pooled = states.f_mean_dim(1, false, states.kind())?; // [windows, hidden]
        let (weight, bias) = &self.output;
        Ok(pooled.f_linear(weight, Some(bias))?.f_sigmoid()?) // [windows, labels]
    }
}

/// The same values with the channels of one place side by side, the layout in which small convolutions are fastest.
fn channels_last(weight: &Tensor) -> Result<Tensor, NetworkError> {
    Ok(weight.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}
