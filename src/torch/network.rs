//! A network of any kind as training sees it: batch norm and dropout in place, every weight trainable.
//!
//! The training loop calls it with batches of windows. [`super::folded_network`] and `model::InferenceNetwork` fold
//! the batch norm; tests hold all three equal.

use tch::nn::{self, ModuleT};
use tch::{TchError, Tensor};

use super::conv_trunk::{ConvTrunk, Precision};
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::mobile_trunk::MobileTrunk;
use super::network_mode::NetworkMode;
use super::projection::Projection;
use crate::model::{NetworkSpec, Trunk};

/// Log-mel window → convolutions → projection → LSTM → pooling over time → one logit a label; a kind of network leaves
/// some of it out.
#[derive(Debug)]
pub struct Network {
    pub(super) trunk: NetworkTrunk,
    pub(super) projection: Projection,
    pub(super) lstm: Option<Lstm>,
    pub(super) head: Head,
    /// Whether each feature is pooled beside the LSTM's state after it.
    pub(super) features_pooled: bool,
    dropout: f64,
}

/// From windows to columns.
#[derive(Debug)]
pub(super) enum NetworkTrunk {
    Convolutions(ConvTrunk),
    Mobile(Box<MobileTrunk>),
}

impl Network {
    /// Creates the variables under `root`: `block0.conv`, `block0.norm`, …, `projection`, `lstm`, `attention`, `output`.
    ///
    /// `spec` was checked.
    pub fn new(
        root: &nn::Path<'_>,
        spec: &NetworkSpec,
        mel_bands: i64,
        labels: i64,
        mode: NetworkMode,
    ) -> Self {
        let structure = spec.structure();
        let width = structure.feature_width(mel_bands);
        Self {
            trunk: match &structure.trunk {
                Trunk::Convolutions(_) => {
                    NetworkTrunk::Convolutions(ConvTrunk::new(root, &structure, mel_bands, mode))
                }
                Trunk::Mobile(layers) => {
                    NetworkTrunk::Mobile(Box::new(MobileTrunk::new(root, layers, mode)))
                }
            },
            projection: Projection::new(root, &structure, mel_bands, mode),
            lstm: structure
                .lstm_hidden
                .map(|hidden| Lstm::new(&(root / "lstm"), width, hidden, mode)),
            head: Head::new(root, &structure, mel_bands, labels, mode),
            features_pooled: structure.features_pooled,
            dropout: match mode {
                NetworkMode::Training { dropout } => dropout,
                NetworkMode::Inference => 0.0,
            },
        }
    }

    /// The same network, its convolutions trained in another precision. Those of `mobile` are always trained in 32 bits:
    /// depthwise ones are no faster in fewer.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        if let NetworkTrunk::Convolutions(trunk) = &mut self.trunk {
            trunk.precision = precision;
        }
        self
    }

    fn logits(&self, windows: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let (columns, of_frames) = match &self.trunk {
            NetworkTrunk::Convolutions(trunk) => {
                (trunk.columns(windows, train)?, trunk.blocks.is_empty())
            }
            NetworkTrunk::Mobile(trunk) => (trunk.columns(windows, train)?, false),
        }; // [batch, channels, bands, columns]
        let stacked = self.projection.stack(&columns)?; // [batch, features, stacked_width]
        let dropout = |tensor: Tensor| tensor.f_dropout(self.dropout, train);
        // dropout stands between layers: without convolutions the stacked columns are the frames themselves
        let features = if of_frames {
            dropout(self.projection.project(stacked)?)?
        } else {
            self.projection.project(dropout(stacked)?)?
        }; // [batch, features, feature_width]
        let pass = if train { Pass::Training } else { Pass::Inference };
        let states = match &self.lstm {
            Some(lstm) if self.features_pooled => {
                Tensor::f_cat(&[&lstm.states(&features, pass)?, &features], 2)?
            }
            Some(lstm) => lstm.states(&features, pass)?,
            None => features,
        }; // [batch, features, state_width]
        let pooled = self.head.pool(&states)?; // [batch, state_width]
        self.head.logits(&dropout(pooled)?) // [batch, labels]
    }
}

impl ModuleT for Network {
    /// # Shapes
    /// `windows`: `[batch, frames, mel_bands]`, normalised log-mel. Returns logits, `[batch, labels]`.
    fn forward_t(&self, windows: &Tensor, train: bool) -> Tensor {
        // as every module of tch does with a tensor of another shape than its own
        self.logits(windows, train).expect("invariant: the windows have the network's shape")
    }
}
