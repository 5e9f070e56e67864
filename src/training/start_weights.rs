//! Weights that a network begins with in place of random ones: those of another set of labels, or of a network that others
//! trained. Read before training, filled in by the trainer.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use tch::{Kind, Tensor};

use super::TrainingError;
use crate::features::Normaliser;
use crate::files;
use crate::model::Bundle;

/// No such file is larger.
const MAX_BYTES: u64 = 256 << 20;

/// Names of the tensors that hold what the network's frames are normalised by, `[mel_bands]` each.
const MEAN: &str = "normaliser.mean";
const DEVIATION: &str = "normaliser.deviation";

/// Tensors by name.
pub struct StartWeights {
    tensors: HashMap<String, Tensor>,
    /// What the frames are to be normalised by, if the file says so: the weights expect it.
    pub normaliser: Option<Normaliser>,
}

impl StartWeights {
    /// Reads a bundle's folder, or a safetensors file of 32-bit numbers.
    ///
    /// # Errors
    /// [`TrainingError::BadStart`] when it cannot be read or is no such file, [`TrainingError::StartBundle`] when the folder holds no bundle.
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        if path.is_dir() {
            return Self::of_bundle(path);
        }
        let bad = |reason: String| TrainingError::BadStart { path: path.to_owned(), reason };
        let bytes = files::read_regular(path, MAX_BYTES).map_err(|error| bad(error.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
        let mut tensors = HashMap::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(bad(format!("tensor {name:?} is {:?}, not F32", view.dtype())));
            }
            let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
            let tensor = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
            tensors.insert(name.to_owned(), tensor);
        }
        let mut values = |name: &str| tensors.remove(name).map(Vec::<f32>::try_from);
        let normaliser = match (values(MEAN).transpose()?, values(DEVIATION).transpose()?) {
            (Some(mean), Some(deviation)) => Some(Normaliser { mean, deviation }),
            _ => None,
        };
        Ok(Self { tensors, normaliser })
    }

    fn of_bundle(folder: &Path) -> Result<Self, TrainingError> {
        let bundle = Bundle::load(folder)?;
        let mut tensors = HashMap::new();
        for (name, tensor) in bundle.weights.iter() {
            let values = Tensor::f_from_slice(&tensor.values)?.f_reshape(&tensor.shape)?;
            tensors.insert(name.to_owned(), values);
        }
        Ok(Self { tensors, normaliser: Some(bundle.manifest.normaliser) })
    }

    /// Fills the variables that have a tensor of their name and shape; gives their names.
    ///
    /// # Errors
    /// [`TrainingError::NoStart`] when none has.
    pub fn fill(
        &self,
        variables: &HashMap<String, Tensor>,
    ) -> Result<HashSet<String>, TrainingError> {
        let _guard = tch::no_grad_guard();
        let mut filled = HashSet::new();
        for (name, variable) in variables {
            let tensor = self.tensors.get(name).filter(|it| it.size() == variable.size());
            if let Some(tensor) = tensor {
                variable.detach().f_copy_(tensor)?;
                filled.insert(name.clone());
            }
        }
        if filled.is_empty() {
            return Err(TrainingError::NoStart);
        }
        log::info!("{} of {} tensors begin with given weights", filled.len(), variables.len());
        Ok(filled)
    }
}
