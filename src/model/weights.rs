//! A network's tensors as plain numbers, to and from the bytes of a safetensors file. No pickle: reading weights runs no
//! code. Read by [`super::Bundle`], laid out by [`super::inference_network`], written by training.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::NetworkError;

/// No header is longer: each of a network's some thirty tensors takes about a hundred bytes of it.
pub(super) const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Name and shape of one tensor of a weights file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name, such as `block0.conv.weight`: as PyTorch names the parameters of the same layers.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<i64>,
}

impl TensorSpec {
    /// Numbers in the tensor.
    pub fn values(&self) -> i64 {
        self.shape.iter().product()
    }
}

/// One tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightTensor {
    /// Its dimensions, outermost first.
    pub shape: Vec<i64>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// The tensors of a network, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights(BTreeMap<String, WeightTensor>);

impl Weights {
    /// Collects tensors.
    pub fn new(tensors: impl IntoIterator<Item = (String, WeightTensor)>) -> Self {
        Self(tensors.into_iter().collect())
    }

    /// The tensors that `expected` lists, from the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`NetworkError`] when the file is damaged, when names, types or shapes are not exactly those expected, or when a value
    /// is not a finite number: all scores would be not numbers either, and nothing would ever be detected.
    pub fn from_bytes(bytes: &[u8], expected: &[TensorSpec]) -> Result<Self, NetworkError> {
        let file = tensors_in(bytes)?;
        for name in file.names() {
            if !expected.iter().any(|tensor| tensor.name == name) {
                return Err(NetworkError::UnknownTensor { name: name.to_owned() });
            }
        }
        // by name, so that the same file always gives the same error
        let by_name: BTreeMap<_, _> = expected.iter().map(|it| (&it.name, &it.shape)).collect();
        let mut tensors = BTreeMap::new();
        for (name, shape) in by_name {
            let view = file
                .tensor(name)
                .map_err(|_| NetworkError::MissingTensor { name: name.clone() })?;
            let found: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
            if view.dtype() != Dtype::F32 || found != *shape {
                return Err(NetworkError::TensorShape {
                    name: name.clone(),
                    found: format!("{:?} {:?}", view.dtype(), view.shape()),
                    expected: format!("F32 {shape:?}"),
                });
            }
            let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let values: Vec<f32> = values.collect();
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return Err(NetworkError::TensorValue { name: name.clone(), at });
            }
            tensors.insert(name.clone(), WeightTensor { shape: shape.clone(), values });
        }
        Ok(Self(tensors))
    }

    /// The bytes of a safetensors file with these tensors, in the order of their names.
    ///
    /// # Errors
    /// [`NetworkError::NotSafetensors`] when a tensor's shape and number of values differ.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetworkError> {
        let failed = |error: safetensors::SafeTensorError| NetworkError::NotSafetensors {
            reason: error.to_string(),
        };
        let mut tensors = BTreeMap::new();
        for (name, WeightTensor { shape, values }) in &self.0 {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let shape: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
            tensors.insert(name, (shape, bytes));
        }
        let views: BTreeMap<&String, TensorView<'_>> = tensors
            .iter()
            .map(|(name, (shape, bytes))| {
                TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (*name, view))
            })
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        safetensors::serialize(views, None).map_err(failed)
    }

    /// The tensors, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &WeightTensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The values of a tensor of the network that these weights were checked for.
    pub(super) fn values(&self, name: &str) -> &[f32] {
        &self.0.get(name).expect("invariant: the weights were checked against their network").values
    }
}

/// The tensors in the bytes of a safetensors file. Takes memory for the header alone.
///
/// # Errors
/// [`NetworkError::WeightsHeader`] or [`NetworkError::NotSafetensors`].
pub(super) fn tensors_in(bytes: &[u8]) -> Result<SafeTensors<'_>, NetworkError> {
    // the library's own bound is a hundred times as high
    if let Some(length) = bytes.first_chunk() {
        let found = u64::from_le_bytes(*length);
        if found > MAX_HEADER_BYTES {
            return Err(NetworkError::WeightsHeader { found, max: MAX_HEADER_BYTES });
        }
    }
    SafeTensors::deserialize(bytes)
        .map_err(|error| NetworkError::NotSafetensors { reason: error.to_string() })
}
