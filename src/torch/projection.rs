//! From columns to features: some columns side by side, then a linear layer and ReLU where the network has one. Part of
//! every [`super::Network`], in training and inference alike.

use tch::{TchError, Tensor, nn};

use super::network_mode::NetworkMode;
use crate::model::Structure;

/// Columns side by side and, where there is one, their projection.
#[derive(Debug)]
pub struct Projection {
    columns_per_feature: i64,
    linear: Option<nn::Linear>,
}

impl Projection {
    /// Creates the variable `projection` under `root`, if the structure has it.
    pub fn new(
        root: &nn::Path<'_>,
        structure: &Structure,
        mel_bands: i64,
        mode: NetworkMode,
    ) -> Self {
        let stacked = structure.stacked_width(mel_bands);
        let usual = nn::LinearConfig::default();
        let ws_init = mode.initial(usual.ws_init);
        // like the weights', the bias' usual values are random
        let bs_init = match mode {
            NetworkMode::Training { .. } => usual.bs_init,
            NetworkMode::Inference => Some(nn::Init::Const(0.0)),
        };
        let config = nn::LinearConfig { ws_init, bs_init, ..usual };
        let linear = structure
            .projection
            .map(|width| nn::linear(root / "projection", stacked, width, config));
        Self { columns_per_feature: structure.columns_per_feature, linear }
    }

    /// The same values, without gradients.
    pub fn detached(&self) -> Self {
        let linear = self.linear.as_ref().map(detached_linear);
        Self { columns_per_feature: self.columns_per_feature, linear }
    }

    /// Puts the columns of each feature side by side.
    ///
    /// # Shapes
    /// `columns`: `[batch, channels, bands, columns]`. Returns `[batch, features, stacked_width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn stack(&self, columns: &Tensor) -> Result<Tensor, TchError> {
        let (batch, channels, bands, count) = columns.size4()?;
        let together = self.columns_per_feature;
        columns
            .f_permute([0, 3, 1, 2])? // [batch, columns, channels, bands]
            .f_reshape([batch, count / together, together * channels * bands])
    }

    /// Features of stacked columns.
    ///
    /// # Shapes
    /// `stacked`: `[batch, features, stacked_width]`. Returns `[batch, features, feature_width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn project(&self, stacked: Tensor) -> Result<Tensor, TchError> {
        match &self.linear {
            Some(linear) => stacked.f_linear(&linear.ws, linear.bs.as_ref())?.f_relu(),
            None => Ok(stacked),
        }
    }
}

/// The same values, without gradients.
pub fn detached_linear(linear: &nn::Linear) -> nn::Linear {
    nn::Linear { ws: linear.ws.detach(), bs: linear.bs.as_ref().map(Tensor::detach) }
}
