//! AdamW whose state can be saved: libtorch's own keeps it to itself; and a network's numbers as one row, which is what it works on,
//! what is averaged, and what a checkpoint keeps. Called by the trainer in every step.

use std::collections::HashSet;

use tch::nn::VarStore;
use tch::{Kind, Tensor};

use super::TrainingError;

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
    /// What each number's learning rate is multiplied by.
    rates: Tensor,
}

impl AdamW {
    /// Begins at a network's weights. Those of the variables named in `started` have `start_rate` times the learning rate.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn new(
        flat: &FlatWeights,
        started: &HashSet<String>,
        start_rate: f64,
    ) -> Result<Self, TrainingError> {
        let weights = joined(flat.fitted())?;
        let zeros = weights.zeros_like();
        let rates = flat.each(|name, _| if started.contains(name) { start_rate } else { 1.0 });
        let decaying = flat.each(|_, variable| if variable.dim() > 1 { 1.0 } else { 0.0 });
        let decaying = decaying.f_mul(&rates)?;
        Ok(Self { first: zeros.copy(), second: zeros, decaying, rates, weights })
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
        let _ = self
            .weights
            .f_addcdiv_(&(&self.first * (-rate / unbias.0)).f_mul(&self.rates)?, &divisor)?;
        Ok(length)
    }
}

/// A network's variables in the order of their names: first those that are fitted, then the statistics of the norms.
pub struct FlatWeights {
    names: Vec<String>,
    variables: Vec<Tensor>,
    fitted: usize,
    /// Numbers that are fitted, and all numbers.
    pub lengths: (i64, i64),
}

impl FlatWeights {
    /// Orders the variables.
    pub fn new(store: &VarStore) -> Self {
        let mut named: Vec<(String, Tensor)> = store.variables().into_iter().collect();
        named.sort_by(|a, b| (!a.1.requires_grad(), &a.0).cmp(&(!b.1.requires_grad(), &b.0)));
        let (names, variables): (Vec<String>, Vec<Tensor>) = named.into_iter().unzip();
        let fitted = variables.iter().filter(|tensor| tensor.requires_grad()).count();
        let count = |variables: &[Tensor]| {
            variables.iter().map(|tensor| i64::try_from(tensor.numel()).unwrap_or(i64::MAX)).sum()
        };
        let lengths = (count(&variables[..fitted]), count(&variables));
        Self { names, variables, fitted, lengths }
    }

    /// The variables that are fitted.
    pub fn fitted(&self) -> &[Tensor] {
        &self.variables[..self.fitted]
    }

    /// What a fitted variable's name and values say, once for each of its numbers; `[fitted numbers]`.
    fn each(&self, value: impl Fn(&str, &Tensor) -> f64) -> Tensor {
        let parts = self.names.iter().zip(self.fitted()).map(|(name, variable)| {
            let options = (variable.kind(), variable.device());
            Tensor::full([variable.numel() as i64], value(name, variable), options)
        });
        Tensor::cat(&parts.collect::<Vec<_>>(), 0)
    }

    /// A copy of all numbers, `[all numbers]`.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn read(&self) -> Result<Tensor, TrainingError> {
        joined(&self.variables)
    }

    /// Puts numbers back: all of them, or those that are fitted.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn write(&self, numbers: &Tensor) -> Result<(), TrainingError> {
        let _guard = tch::no_grad_guard();
        let mut start = 0;
        let length = numbers.numel() as i64;
        for variable in &self.variables {
            if start == length {
                break;
            }
            let count = variable.numel() as i64;
            let part = numbers.f_narrow(0, start, count)?.f_reshape(variable.size())?;
            variable.shallow_clone().f_copy_(&part)?;
            start += count;
        }
        Ok(())
    }
}

/// Tensors as one row.
pub fn joined(tensors: &[Tensor]) -> Result<Tensor, TrainingError> {
    let _guard = tch::no_grad_guard();
    let parts: Vec<Tensor> =
        tensors.iter().map(|tensor| tensor.detach().f_reshape([-1])).collect::<Result<_, _>>()?;
    Ok(Tensor::f_cat(&parts, 0)?)
}
