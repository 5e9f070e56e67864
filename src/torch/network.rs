//! A network of any kind as training sees it: batch norm and dropout in place, every weight trainable.
//!
//! The training loop calls it with batches of windows. [`super::folded_network`] and `model::InferenceNetwork` fold
//! the batch norm; tests hold all three equal.

use tch::nn::{self, ModuleT};
use tch::{TchError, Tensor};

use super::conv_trunk::{ConvTrunk, Precision};
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::network_mode::NetworkMode;
use super::projection::Projection;
use crate::model::NetworkSpec;

/// Log-mel window → convolutions → projection → LSTM → pooling over time → one logit a label; a kind of network leaves
/// some of it out.
#[derive(Debug)]
pub struct Network {
    pub(super) trunk: ConvTrunk,
    pub(super) projection: Projection,
    pub(super) lstm: Option<Lstm>,
    pub(super) head: Head,
    dropout: f64,
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
            trunk: ConvTrunk::new(root, &structure, mel_bands, mode),
            projection: Projection::new(root, &structure, mel_bands, mode),
            lstm: structure
                .lstm_hidden
                .map(|hidden| Lstm::new(&(root / "lstm"), width, hidden, mode)),
            head: Head::new(root, &structure, mel_bands, labels, mode),
            dropout: match mode {
                NetworkMode::Training { dropout } => dropout,
                NetworkMode::Inference => 0.0,
            },
        }
    }

    /// The same network, its convolutions trained in another precision.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.trunk.precision = precision;
        self
    }

    fn logits(&self, windows: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let columns = self.trunk.columns(windows, train)?; // [batch, channels, bands, columns]
        let stacked = self.projection.stack(&columns)?; // [batch, features, stacked_width]
        let dropout = |tensor: Tensor| tensor.f_dropout(self.dropout, train);
        // dropout stands between layers: without convolutions the stacked columns are the frames themselves
        let features = if self.trunk.blocks.is_empty() {
            dropout(self.projection.project(stacked)?)?
        } else {
            self.projection.project(dropout(stacked)?)?
        }; // [batch, features, feature_width]
        let pass = if train { Pass::Training } else { Pass::Inference };
        let states = match &self.lstm {
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
