//! The convolutional recurrent network as training sees it: batch norm and dropout in place, every weight trainable.
//!
//! The training loop calls it with batches of windows. Live scoring uses [`super::incremental_crnn`], which folds the batch
//! norm and keeps features; a test holds the two equal.

use tch::Tensor;
use tch::nn::{self, Module, ModuleT, RNN};

use super::CrnnSpec;
use super::network_spec::KERNEL;

/// One convolution and its batch norm.
struct ConvBlock {
    conv: nn::Conv2D,
    norm: nn::BatchNorm,
    pool: [i64; 2],
}

/// Log-mel window → convolutions → projection → LSTM → mean over time → one logit a label.
pub struct Crnn {
    blocks: Vec<ConvBlock>,
    projection: nn::Linear,
    lstm: nn::LSTM,
    output: nn::Linear,
    dropout: f64,
}

impl Crnn {
    /// Creates the variables under `root`: `block0.conv`, `block0.norm`, …, `projection`, `lstm`, `output`.
    ///
    /// `dropout` is the share of features and of pooled outputs that training leaves out.
    pub fn new(
        root: &nn::Path<'_>,
        spec: &CrnnSpec,
        mel_bands: i64,
        labels: i64,
        dropout: f64,
    ) -> Self {
        let mut channels = 1;
        let blocks = spec.blocks.iter().enumerate().map(|(index, block)| {
            let path = root / format!("block{index}");
            // unpadded in time, padded in frequency
            let config = nn::ConvConfigND {
                stride: [1, 1],
                padding: [(KERNEL - 1) / 2, 0],
                dilation: [1, 1],
                groups: 1,
                bias: false,
                ws_init: nn::init::DEFAULT_KAIMING_NORMAL,
                bs_init: nn::Init::Const(0.0),
                padding_mode: nn::PaddingMode::Zeros,
            };
            let conv = nn::conv(&path / "conv", channels, block.channels, [KERNEL, KERNEL], config);
            let norm_config =
                nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
            let norm = nn::batch_norm2d(&path / "norm", block.channels, norm_config);
            channels = block.channels;
            ConvBlock { conv, norm, pool: [block.band_pool, block.time_pool] }
        });
        let blocks: Vec<ConvBlock> = blocks.collect();
        let columns = channels * spec.bands_left(mel_bands);
        let uniform = 1.0 / (spec.lstm_hidden as f64).sqrt();
        let lstm_init = nn::Init::Uniform { lo: -uniform, up: uniform };
        let lstm_config =
            nn::RNNConfig { w_ih_init: lstm_init, w_hh_init: lstm_init, ..Default::default() };
        // every label begins as unlikely as one of `labels` is
        let prior = -(labels.max(2) as f64 - 1.0).ln();
        let output_config =
            nn::LinearConfig { bs_init: Some(nn::Init::Const(prior)), ..Default::default() };
        Self {
            blocks,
            projection: nn::linear(
                root / "projection",
                columns,
                spec.projection,
                Default::default(),
            ),
            lstm: nn::lstm(root / "lstm", spec.projection, spec.lstm_hidden, lstm_config),
            output: nn::linear(root / "output", spec.lstm_hidden, labels, output_config),
            dropout,
        }
    }
}

impl std::fmt::Debug for Crnn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crnn of {} blocks", self.blocks.len())
    }
}

impl ModuleT for Crnn {
    /// # Shapes
    /// `windows`: `[batch, frames, mel_bands]`, normalised log-mel. Returns logits, `[batch, labels]`.
    fn forward_t(&self, windows: &Tensor, train: bool) -> Tensor {
        let mut columns = windows.transpose(1, 2).unsqueeze(1); // [batch, 1, mel_bands, frames]
        for block in &self.blocks {
            columns = columns
                .apply(&block.conv) // [batch, channels, bands, frames − 2]
                .apply_t(&block.norm, train)
                .relu()
                .max_pool2d(block.pool, block.pool, [0, 0], [1, 1], false);
        } // [batch, channels, bands_left, features]
        let features = columns
            .permute([0, 3, 1, 2]) // [batch, features, channels, bands_left]
            .flatten(2, 3) // [batch, features, channels · bands_left]
            .dropout(self.dropout, train)
            .apply(&self.projection) // [batch, features, projection]
            .relu();
        let (states, _) = self.lstm.seq(&features); // [batch, features, lstm_hidden]
        let pooled = states.mean_dim(1, false, states.kind()); // [batch, lstm_hidden]
        self.output.forward(&pooled.dropout(self.dropout, train)) // [batch, labels]
    }
}
