//! AdamW whose state can be saved: libtorch's own keeps it to itself. Called by the trainer in every step.

use tch::{Kind, Tensor};

use super::TrainingError;
use super::flat_weights::{FlatWeights, joined};

/// Shares of the running means of gradients and of their squares that a step keeps: the usual ones.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Keeps the division sound; libtorch's own.
const EPSILON: f64 = 1e-8;

/// The optimiser's state, all of it in rows as [`FlatWeights`] orders them: a few operations a step where a tensor at a
/// time takes hundreds.
pub struct AdamW {
    /// The fitted weights.
    pub weights: Tensor,
    /// Running mean of the gradients.
    pub first: Tensor,
    /// Running mean of their squares.
    pub second: Tensor,
    decaying: Tensor,
}

impl AdamW {
    /// Begins at a network's weights.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn new(flat: &FlatWeights) -> Result<Self, TrainingError> {
        let weights = joined(flat.fitted())?;
        let zeros = weights.zeros_like();
        Ok(Self { first: zeros.copy(), second: zeros, decaying: flat.decaying(), weights })
    }

    /// One step, the `step`th from 1, down `gradients`, which are shortened to `longest`, with the learning `rate` and the weight
    /// `decay`; gives their length before.
    ///
    /// A length that is not a number changes nothing.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    ///
    /// # Source
    /// I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
    pub fn step(
        &mut self,
        gradients: &[Tensor],
        step: usize,
        rate: f64,
        decay: f64,
        longest: f64,
    ) -> Result<f64, TrainingError> {
        let _guard = tch::no_grad_guard();
        let mut gradient = joined(gradients)?;
        let length = gradient.f_norm()?.to_kind(Kind::Double).f_double_value(&[])?;
        if !length.is_finite() {
            return Ok(length);
        }
        if length > longest {
            let _ = gradient.f_mul_scalar_(longest / length)?;
        }
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let unbias = (1.0 - BETAS.0.powi(power), 1.0 - BETAS.1.powi(power));
        let kept = &self.decaying * (-rate * decay);
        let _ = self.weights.f_addcmul_(&self.weights.copy(), &kept)?;
        let _ = self.first.f_lerp_(&gradient, 1.0 - BETAS.0)?;
        let _ = self.second.f_lerp_(&gradient.f_square()?, 1.0 - BETAS.1)?;
        let divisor = (self.second.f_sqrt()? / unbias.1.sqrt()).f_add_scalar_(EPSILON)?;
        let _ = self.weights.f_addcdiv_(&(&self.first * (-rate / unbias.0)), &divisor)?;
        Ok(length)
    }
}
