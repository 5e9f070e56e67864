//! All numbers of a network as one row: what the optimiser works on, what is averaged, what a checkpoint keeps.

use tch::Tensor;
use tch::nn::VarStore;

use super::TrainingError;

/// A network's variables in the order of their names: first those that are fitted, then the statistics of the norms.
pub struct FlatWeights {
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
        let variables: Vec<Tensor> = named.into_iter().map(|(_, tensor)| tensor).collect();
        let fitted = variables.iter().filter(|tensor| tensor.requires_grad()).count();
        let count = |variables: &[Tensor]| {
            variables.iter().map(|tensor| i64::try_from(tensor.numel()).unwrap_or(i64::MAX)).sum()
        };
        let lengths = (count(&variables[..fitted]), count(&variables));
        Self { variables, fitted, lengths }
    }

    /// The variables that are fitted.
    pub fn fitted(&self) -> &[Tensor] {
        &self.variables[..self.fitted]
    }

    /// 1 where a number decays, 0 where it is a bias or belongs to a norm; `[fitted numbers]`.
    pub fn decaying(&self) -> Tensor {
        let parts = self.fitted().iter().map(|variable| {
            let decays = if variable.dim() > 1 { 1.0 } else { 0.0 };
            Tensor::full([variable.numel() as i64], decays, (variable.kind(), variable.device()))
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
