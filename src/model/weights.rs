//! Tensors to and from safetensors bytes. No pickle: reading weights runs no code.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Kind, Tensor};

use super::NetworkError;

/// No header is longer: each of a network's some thirty tensors takes about a hundred bytes of it.
pub(super) const LARGEST_HEADER_BYTES: u64 = 1 << 20;

/// The tensors in the bytes of a safetensors file. Takes memory for the header alone.
///
/// # Errors
/// [`NetworkError::WeightsHeader`] or [`NetworkError::NotSafetensors`].
pub(super) fn tensors_in(bytes: &[u8]) -> Result<SafeTensors<'_>, NetworkError> {
    // the library's own bound is a hundred times as high
    if let Some(length) = bytes.first_chunk() {
        let found = u64::from_le_bytes(*length);
        if found > LARGEST_HEADER_BYTES {
            return Err(NetworkError::WeightsHeader { found, most: LARGEST_HEADER_BYTES });
        }
    }
    SafeTensors::deserialize(bytes)
        .map_err(|error| NetworkError::NotSafetensors { reason: error.to_string() })
}

/// Fills `variables`, a network's own tensors by name, from the bytes of a safetensors file.
///
/// # Errors
/// [`NetworkError`] when the file is damaged, when names, types or shapes are not exactly the network's, or when a value is
/// not a number: all scores would be none either, and nothing would ever be heard.
pub fn read_weights(bytes: &[u8], variables: &HashMap<String, Tensor>) -> Result<(), NetworkError> {
    let file = tensors_in(bytes)?;
    for name in file.names() {
        if !variables.contains_key(name) {
            return Err(NetworkError::UnknownTensor { name: name.to_owned() });
        }
    }
    // by name, so that the same file always gives the same error
    for (name, variable) in BTreeMap::from_iter(variables) {
        let view =
            file.tensor(name).map_err(|_| NetworkError::MissingTensor { name: name.clone() })?;
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        if view.dtype() != Dtype::F32 || shape != variable.size() {
            return Err(NetworkError::TensorShape {
                name: name.clone(),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("F32 {:?}", variable.size()),
            });
        }
        let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        if let Some(at) = values.into_iter().position(|value| !value.is_finite()) {
            return Err(NetworkError::TensorValue { name: name.clone(), at });
        }
        let tensor = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
        let mut target = variable.detach();
        target.f_copy_(&tensor)?;
    }
    Ok(())
}

/// The bytes of a safetensors file with these tensors, in the order of their names.
///
/// # Errors
/// [`NetworkError`] when a tensor cannot be read out.
pub fn write_weights(variables: &HashMap<String, Tensor>) -> Result<Vec<u8>, NetworkError> {
    let mut tensors = BTreeMap::new();
    for (name, variable) in variables {
        let flat = variable.detach().f_to_kind(Kind::Float)?.f_reshape([-1])?;
        let values = Vec::<f32>::try_from(&flat)?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let shape: Vec<usize> = variable
            .size()
            .iter()
            .map(|&size| usize::try_from(size).expect("invariant: sizes are not negative"))
            .collect();
        tensors.insert(name.clone(), (shape, bytes));
    }
    let failed = |error: safetensors::SafeTensorError| NetworkError::NotSafetensors {
        reason: error.to_string(),
    };
    let views: BTreeMap<&String, TensorView<'_>> = tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    safetensors::serialize(views, None).map_err(failed)
}
