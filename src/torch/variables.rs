//! A network's variables from and to plain tensors.

use std::collections::HashMap;

use tch::{Kind, Tensor};

use super::TorchError;
use crate::model::{WeightTensor, Weights};

/// Fills `variables`, a network's own tensors by name, with a bundle's weights, which were checked.
///
/// # Errors
/// [`TorchError`] when a tensor is missing or has another shape, or when libtorch fails.
pub fn load_weights(
    weights: &Weights,
    variables: &HashMap<String, Tensor>,
) -> Result<(), TorchError> {
    let known: HashMap<&str, &WeightTensor> = weights.iter().collect();
    for (name, variable) in variables {
        let tensor = known.get(name.as_str()).filter(|tensor| tensor.shape == variable.size());
        let tensor = tensor.ok_or_else(|| TorchError::Weights { name: name.clone() })?;
        let values = Tensor::f_from_slice(&tensor.values)?.f_reshape(&tensor.shape)?;
        variable.detach().f_copy_(&values)?;
    }
    Ok(())
}

/// A copy of the values of a network's tensors.
///
/// # Errors
/// libtorch's own.
pub fn weights_of(variables: &HashMap<String, Tensor>) -> Result<Weights, TorchError> {
    let mut tensors = Vec::with_capacity(variables.len());
    for (name, variable) in variables {
        let flat = variable.detach().f_to_kind(Kind::Float)?.f_reshape([-1])?;
        let values = Vec::<f32>::try_from(&flat)?;
        tensors.push((name.clone(), WeightTensor { shape: variable.size(), values }));
    }
    Ok(Weights::new(tensors))
}
