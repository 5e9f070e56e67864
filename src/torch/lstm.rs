//! One LSTM, forward in time, from a zero state. Part of the networks `lstm` and `crnn`, in training and inference alike.

use tch::{TchError, Tensor, nn};

use super::network_mode::NetworkMode;

/// The weights of an LSTM.
#[derive(Debug)]
pub struct Lstm {
    hidden: i64,
    /// Input weights, recurrent weights and their biases; of each, the gates in, forget, cell, out.
    weights: [Tensor; 4],
}

/// What libtorch keeps while it computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// What the gradients need.
    Training,
    /// Nothing.
    Inference,
}

impl Lstm {
    /// Creates the variables of an LSTM of `hidden` units over features of `width` values.
    pub fn new(path: &nn::Path<'_>, width: i64, hidden: i64, mode: NetworkMode) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = mode.initial(nn::Init::Uniform { lo: -bound, up: bound });
        let zero = nn::Init::Const(0.0);
        let weights = [
            path.var("weight_ih_l0", &[4 * hidden, width], uniform),
            path.var("weight_hh_l0", &[4 * hidden, hidden], uniform),
            path.var("bias_ih_l0", &[4 * hidden], zero),
            path.var("bias_hh_l0", &[4 * hidden], zero),
        ];
        Self { hidden, weights }
    }

    /// The same values, without gradients.
    pub fn detached(&self) -> Self {
        Self { hidden: self.hidden, weights: self.weights.each_ref().map(Tensor::detach) }
    }

    /// States after each feature.
    ///
    /// # Shapes
    /// `features`: `[batch, features, width]`. Returns `[batch, features, hidden]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn states(&self, features: &Tensor, pass: Pass) -> Result<Tensor, TchError> {
        let options = (features.kind(), features.device());
        let zero = Tensor::f_zeros([1, features.size()[0], self.hidden], options)?;
        let weights = self.weights.each_ref();
        let train = pass == Pass::Training;
        let (states, _, _) =
            features.f_lstm(&[&zero, &zero], &weights, true, 1, 0.0, train, false, true)?;
        Ok(states)
    }
}
