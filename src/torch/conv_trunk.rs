//! The convolutions of `conv1d`, `cnn` and `crnn` as training sees them: batch norm in place, every weight trainable.
//! Part of [`super::Network`]; runs where it is called.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor, nn};

use super::network_mode::NetworkMode;
use crate::model::{ConvLayer, Structure};

/// What training computes convolutions in; weights, and everything else, are 32-bit numbers either way. Listening and
/// measuring always compute in 32 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// bfloat16: 1.7 times as fast to train with on processors that compute in it (`avx512_bf16` or `amx_bf16` in
    /// /proc/cpuinfo), far slower on others.
    Bf16,
}

/// Convolutions, each with batch norm, ReLU and max pooling. Without any, frames pass as they are.
#[derive(Debug)]
pub struct ConvTrunk {
    /// Channels and bands of a frame.
    pub frame_shape: [i64; 2],
    pub blocks: Vec<ConvBlock>,
    /// What training computes in.
    pub precision: Precision,
}

/// One convolution and its batch norm.
#[derive(Debug)]
pub struct ConvBlock {
    pub conv: nn::Conv2D,
    pub norm: nn::BatchNorm,
    pub layer: ConvLayer,
}

impl ConvTrunk {
    /// Creates the variables `block0.conv`, `block0.norm`, … under `root`.
    pub fn new(
        root: &nn::Path<'_>,
        structure: &Structure,
        mel_bands: i64,
        mode: NetworkMode,
    ) -> Self {
        let shapes = structure.column_shapes(mel_bands);
        let blocks = structure.convolutions().iter().zip(&shapes).enumerate();
        let blocks = blocks.map(|(index, (&layer, &[channels_in, _]))| {
            let path = root / format!("block{index}");
            let config = nn::ConvConfigND {
                stride: [1, 1],
                padding: layer.padding(),
                dilation: [1, 1],
                groups: 1,
                // the batch norm has one
                bias: false,
                ws_init: mode.initial(nn::init::DEFAULT_KAIMING_NORMAL),
                bs_init: nn::Init::Const(0.0),
                padding_mode: nn::PaddingMode::Zeros,
            };
            let conv = nn::conv(&path / "conv", channels_in, layer.channels, layer.kernel, config);
            let norm_config =
                nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
            let norm = nn::batch_norm2d(&path / "norm", layer.channels, norm_config);
            ConvBlock { conv, norm, layer }
        });
        Self { blocks: blocks.collect(), frame_shape: shapes[0], precision: Precision::F32 }
    }

    /// Columns of whole windows; `train` as with tch's own modules.
    ///
    /// # Shapes
    /// `windows`: `[batch, frames, mel_bands]`. Returns `[batch, channels, bands_left, columns]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn columns(&self, windows: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let [channels, bands] = self.frame_shape;
        let (batch, frames, _) = windows.size3()?;
        let shape = [batch, channels, bands, frames];
        let mut columns = windows.f_transpose(1, 2)?.f_reshape(shape)?; // [batch, channels, bands, frames]
        let kind = match self.precision {
            Precision::Bf16 if train => Kind::BFloat16,
            _ => Kind::Float,
        };
        columns = columns.f_to_kind(kind)?;
        for ConvBlock { conv, norm, layer } in &self.blocks {
            let weight = channels_last(&conv.ws.f_to_kind(kind)?)?; // [channels, channels_in, bands, columns]
            columns = columns
                .f_conv2d(&weight, None::<&Tensor>, [1, 1], layer.padding(), [1, 1], 1)?
                .apply_t(norm, train); // [batch, channels, bands, columns]
            if layer.pool != [1, 1] {
                columns = columns.f_max_pool2d(layer.pool, layer.pool, [0, 0], [1, 1], false)?;
            }
            // after the pooling, which keeps the largest either way: fewer values to go over
            columns = columns.f_relu()?;
        }
        columns.f_to_kind(Kind::Float) // [batch, channels, bands_left, columns]
    }
}

/// The same values with the channels of one place side by side, the layout in which small convolutions are fastest.
///
/// # Errors
/// libtorch's own.
pub fn channels_last(weight: &Tensor) -> Result<Tensor, TchError> {
    weight.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}
