//! The sizes of each kind of network, as a bundle's `[network]` gives them. What they mean together is
//! [`super::structure`]'s to say.

use serde::{Deserialize, Serialize};

/// Sizes of convolutions over time. The mel bands are the first one's input channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dSpec {
    /// How a window's features become one.
    #[serde(default)]
    pub pooling: TimePooling,
    /// The convolution blocks, first to last.
    pub blocks: Vec<Conv1dBlockSpec>,
}

/// One block: a convolution over time, unpadded, batch norm, ReLU, max pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dBlockSpec {
    /// Output channels.
    pub channels: i64,
    /// Neighbouring frames that make one.
    pub kernel: i64,
    /// Frames pooled into one.
    pub time_pool: i64,
}

/// Sizes of convolutions over time and frequency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnSpec {
    /// Width of the projection from the last convolution, which is a feature's.
    pub projection: i64,
    /// How a window's features become one.
    #[serde(default)]
    pub pooling: TimePooling,
    /// The convolution blocks, first to last.
    pub blocks: Vec<ConvBlockSpec>,
}

/// Sizes of an LSTM over the frames themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmSpec {
    /// Frames that make one step of the LSTM.
    pub frames_per_step: i64,
    /// Width of the projection from those frames to the LSTM.
    pub projection: i64,
    /// Hidden units of the LSTM.
    pub lstm_hidden: i64,
    /// How the LSTM's states become one.
    #[serde(default)]
    pub pooling: TimePooling,
}

/// Sizes of convolutions over time and frequency with an LSTM behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrnnSpec {
    /// Width of the projection from the last convolution to the LSTM.
    pub projection: i64,
    /// Hidden units of the LSTM.
    pub lstm_hidden: i64,
    /// How the LSTM's states become one.
    #[serde(default)]
    pub pooling: TimePooling,
    /// The convolution blocks, first to last.
    pub blocks: Vec<ConvBlockSpec>,
}

/// One block: a 3 × 3 convolution, unpadded in time, batch norm, ReLU, max pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvBlockSpec {
    /// Output channels.
    pub channels: i64,
    /// Frames pooled into one.
    pub time_pool: i64,
    /// Bands pooled into one.
    pub band_pool: i64,
}

/// How the features of a window, or the LSTM's states, become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePooling {
    /// All weigh the same. What bundles without the key were trained with.
    #[default]
    Mean,
    /// Each weighs what a learned look at it says; the weights of a window sum to 1.
    Attention,
}

impl Conv1dSpec {
    /// Four blocks of 128 to 192 channels, a feature every four frames: 0.27 M parameters for 50 labels.
    pub fn standard() -> Self {
        let block = |channels, time_pool| Conv1dBlockSpec { channels, kernel: 3, time_pool };
        Self {
            pooling: TimePooling::Mean,
            blocks: vec![block(128, 2), block(128, 2), block(192, 1), block(192, 1)],
        }
    }
}

impl CnnSpec {
    /// The blocks of [`CrnnSpec::standard`]: 0.53 M parameters for 50 labels.
    pub fn standard() -> Self {
        let CrnnSpec { projection, pooling, blocks, .. } = CrnnSpec::standard();
        Self { projection, pooling, blocks }
    }
}

impl LstmSpec {
    /// Two frames a step, an LSTM of 192: 0.27 M parameters for 50 labels.
    pub fn standard() -> Self {
        Self { frames_per_step: 2, projection: 128, lstm_hidden: 192, pooling: TimePooling::Mean }
    }
}

impl CrnnSpec {
    /// Four blocks of 32 to 256 channels, a feature every four frames, an LSTM of 128: 0.66 M parameters for 50 labels.
    pub fn standard() -> Self {
        let block =
            |channels, time_pool, band_pool| ConvBlockSpec { channels, time_pool, band_pool };
        Self {
            projection: 128,
            lstm_hidden: 128,
            pooling: TimePooling::Attention,
            blocks: vec![block(32, 2, 2), block(64, 2, 2), block(128, 1, 2), block(256, 1, 2)],
        }
    }
}
