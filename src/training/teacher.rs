//! A trained network that another learns from: in every step it scores the very windows that the other is trained on, mixed and
//! altered as they are. Called by the trainer.

use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

use super::TrainingError;
use crate::model::{Activation, Bundle};
use crate::torch::{Network, NetworkMode, load_weights};

/// The network of a bundle with the labels, front end and window of the one that learns.
pub struct Teacher {
    network: Network,
    activation: Activation,
    /// Holds the network's variables.
    _variables: VarStore,
}

impl Teacher {
    /// The bundle's network, without its verifier.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn new(bundle: &Bundle) -> Result<Self, TrainingError> {
        let _guard = tch::no_grad_guard();
        let variables = VarStore::new(Device::Cpu);
        let (manifest, labels) = (&bundle.manifest, bundle.labels.len() as i64);
        let (bands, mode) = (manifest.front_end.mel_bands as i64, NetworkMode::Inference);
        let network = Network::new(&variables.root(), &manifest.network, bands, labels, mode);
        load_weights(&bundle.weights, &variables.variables())?;
        Ok(Self { network, activation: manifest.activation, _variables: variables })
    }

    /// Its scores.
    ///
    /// # Shapes
    /// `windows`: `[batch, frames, mel_bands]`, normalised log-mel. Returns `[batch, labels]`.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn scores(&self, windows: &Tensor) -> Result<Tensor, TrainingError> {
        let _guard = tch::no_grad_guard();
        let logits = self.network.forward_t(windows, false);
        Ok(match self.activation {
            Activation::Sigmoid => logits.f_sigmoid()?,
            Activation::Softmax => logits.f_softmax(-1, Kind::Float)?,
        })
    }
}
