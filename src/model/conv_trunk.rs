//! The convolutions of `conv1d`, `cnn` and `crnn` as training sees them: batch norm in place, every weight trainable.
//! [`super::folded_trunk`] is the form that listens. Part of [`super::Network`]; runs where it is called.

use tch::{TchError, Tensor, nn};

use super::structure::{ConvLayer, Structure};

/// Convolutions, each with batch norm, ReLU and max pooling. Without any, frames pass as they are.
#[derive(Debug)]
pub struct ConvTrunk {
    /// Channels and bands of a frame.
    pub frame_shape: [i64; 2],
    pub blocks: Vec<ConvBlock>,
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
    pub fn new(root: &nn::Path<'_>, structure: &Structure, mel_bands: i64) -> Self {
        let shapes = structure.column_shapes(mel_bands);
        let blocks = structure.convolutions.iter().zip(&shapes).enumerate();
        let blocks = blocks.map(|(index, (&layer, &[channels_in, _]))| {
            let path = root / format!("block{index}");
            let config = nn::ConvConfigND {
                stride: [1, 1],
                padding: layer.padding(),
                dilation: [1, 1],
                groups: 1,
                // the batch norm has one
                bias: false,
                ws_init: nn::init::DEFAULT_KAIMING_NORMAL,
                bs_init: nn::Init::Const(0.0),
                padding_mode: nn::PaddingMode::Zeros,
            };
            let conv = nn::conv(&path / "conv", channels_in, layer.channels, layer.kernel, config);
            let norm_config =
                nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
            let norm = nn::batch_norm2d(&path / "norm", layer.channels, norm_config);
            ConvBlock { conv, norm, layer }
        });
        Self { blocks: blocks.collect(), frame_shape: shapes[0] }
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
        for ConvBlock { conv, norm, layer } in &self.blocks {
            columns = columns.apply(conv).apply_t(norm, train).f_relu()?; // [batch, channels, bands, columns]
            if layer.pool != [1, 1] {
                columns = columns.f_max_pool2d(layer.pool, layer.pool, [0, 0], [1, 1], false)?;
            }
        }
        Ok(columns) // [batch, channels, bands_left, columns]
    }
}
