//! From the states of a window to logits: pooling over time, then a linear layer. Part of every [`super::Network`], in
//! training and inference alike.

use tch::{TchError, Tensor, nn};

use super::network_mode::NetworkMode;
use super::projection::detached_linear;
use crate::model::Structure;
use crate::model::TimePooling;

/// Pooling over time and the output layer.
#[derive(Debug)]
pub struct Head {
    /// What a state's weight is computed with, `[1, width]`; none when all weigh the same.
    attention: Option<Tensor>,
    output: nn::Linear,
}

impl Head {
    /// Creates the variables `attention`, if the structure pools with it, and `output` under `root`.
    pub fn new(
        root: &nn::Path<'_>,
        structure: &Structure,
        mel_bands: i64,
        labels: i64,
        mode: NetworkMode,
    ) -> Self {
        let width = structure.state_width(mel_bands);
        let attention = match structure.pooling {
            TimePooling::Mean => None,
            // begins as the mean; has no bias, which would be the same for every state and change nothing
            TimePooling::Attention => {
                Some((root / "attention").var("weight", &[1, width], nn::Init::Const(0.0)))
            }
        };
        // every label begins as unlikely as one of `labels` is
        let prior = -(labels.max(2) as f64 - 1.0).ln();
        let usual = nn::LinearConfig::default();
        let ws_init = mode.initial(usual.ws_init);
        let config = nn::LinearConfig { ws_init, bs_init: Some(nn::Init::Const(prior)), ..usual };
        Self { attention, output: nn::linear(root / "output", width, labels, config) }
    }

    /// The same values, without gradients.
    pub fn detached(&self) -> Self {
        Self {
            attention: self.attention.as_ref().map(Tensor::detach),
            output: detached_linear(&self.output),
        }
    }

    /// One state for all of a window's.
    ///
    /// # Shapes
    /// `states`: `[batch, features, width]`. Returns `[batch, width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn pool(&self, states: &Tensor) -> Result<Tensor, TchError> {
        let Some(attention) = &self.attention else {
            return states.f_mean_dim(1, false, states.kind());
        };
        let weights = states.f_linear(attention, None::<&Tensor>)?.f_softmax(1, states.kind())?; // [batch, features, 1]
        weights.f_transpose(1, 2)?.f_matmul(states)?.f_squeeze_dim(1) // [batch, width]
    }

    /// One logit a label.
    ///
    /// # Shapes
    /// `pooled`: `[batch, width]`. Returns `[batch, labels]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn logits(&self, pooled: &Tensor) -> Result<Tensor, TchError> {
        pooled.f_linear(&self.output.ws, self.output.bs.as_ref())
    }
}
