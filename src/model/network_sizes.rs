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

/// Sizes of a trunk of inverted residuals with an LSTM behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileSpec {
    /// Channels of the first convolution, 3 × 3 with a stride of 2 in both directions.
    pub stem: i64,
    /// Channels of the last convolution, 1 × 1; their mean over bands is a feature.
    pub last: i64,
    /// Hidden units of the LSTM.
    pub lstm_hidden: i64,
    /// How the LSTM's states, each beside its feature, become one.
    #[serde(default)]
    pub pooling: TimePooling,
    /// The inverted residuals, first to last.
    pub blocks: Vec<MobileBlockSpec>,
}

/// Sizes of a trunk of inverted residuals that sees a window whole, as published: padded in time, squeeze and excitation over
/// all of the window. Nothing of a window serves the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileNetSpec {
    /// Channels of the first convolution, 3 × 3 with a stride of 2 in both directions.
    pub stem: i64,
    /// Channels of the last convolution, 1 × 1; their mean over bands is a feature.
    pub last: i64,
    /// How the features become one.
    #[serde(default)]
    pub pooling: TimePooling,
    /// The inverted residuals, first to last.
    pub blocks: Vec<MobileBlockSpec>,
}

/// An inverted residual: 1 × 1 convolution to more channels, depthwise convolution, squeeze and excitation, 1 × 1
/// convolution to fewer channels; plus what came in, where its shape is the same. In [`MobileSpec`] unpadded in time, with
/// squeeze and excitation over the bands of one moment: otherwise every column would depend on the whole window.
///
/// # Source
/// A. Howard et al., "Searching for MobileNetV3" (2019).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileBlockSpec {
    /// Output channels.
    pub channels: i64,
    /// Channels in between. As many as come in: without the first convolution.
    pub expanded: i64,
    /// Neighbouring bands that make one; odd.
    pub band_kernel: i64,
    /// Neighbouring columns that make one; odd.
    pub time_kernel: i64,
    /// Bands from one output to the next.
    pub band_stride: i64,
    /// Columns from one output to the next; at most `time_kernel`.
    pub time_stride: i64,
    /// Channels of squeeze and excitation; 0 leaves it out.
    pub squeeze: i64,
    /// Behind the first two convolutions.
    pub activation: ActivationFunction,
}

/// What stands behind a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationFunction {
    /// max(x, 0)
    Relu,
    /// x · min(max(x + 3, 0), 6) / 6
    HardSwish,
}

impl ActivationFunction {
    /// Replaces each value. What is not a number is kept, and seen in the scores.
    #[inline(always)]
    pub(super) fn apply(self, values: &mut [f32]) {
        let sixth = 1.0 / 6.0;
        match self {
            Self::Relu => {
                values
                    .iter_mut()
                    .for_each(|value| *value = if *value < 0.0 { 0.0 } else { *value });
            }
            Self::HardSwish => {
                values
                    .iter_mut()
                    .for_each(|value| *value *= (*value + 3.0).clamp(0.0, 6.0) * sixth);
            }
        }
    }
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

impl MobileNetSpec {
    /// The trunk of EfficientAT's `mn04`: 0.53 M parameters for 50 labels.
    ///
    /// # Source
    /// F. Schmid, K. Koutini, G. Widmer, "Efficient Large-Scale Audio Tagging via Transformer-to-CNN Knowledge Distillation"
    /// (2023): its sizes, so that its weights can be started from.
    pub fn standard() -> Self {
        use ActivationFunction::{HardSwish, Relu};
        let block = |(channels, expanded, kernel, stride, squeeze): (i64, i64, i64, i64, i64),
                     activation| MobileBlockSpec {
            channels,
            expanded,
            band_kernel: kernel,
            time_kernel: kernel,
            band_stride: stride,
            time_stride: stride,
            squeeze,
            activation,
        };
        let first = [
            (8, 8, 3, 1, 0),
            (16, 24, 3, 2, 0),
            (16, 32, 3, 1, 0),
            (16, 32, 5, 2, 8),
            (16, 48, 5, 1, 16),
            (16, 48, 5, 1, 16),
        ];
        let later = [
            (32, 96, 3, 2, 0),
            (32, 80, 3, 1, 0),
            (32, 72, 3, 1, 0),
            (32, 72, 3, 1, 0),
            (48, 192, 3, 1, 48),
            (48, 272, 3, 1, 72),
            (64, 272, 5, 2, 72),
            (64, 384, 5, 1, 96),
            (64, 384, 5, 1, 96),
        ];
        let mut blocks: Vec<_> = first.map(|sizes| block(sizes, Relu)).into();
        blocks.extend(later.map(|sizes| block(sizes, HardSwish)));
        Self { stem: 8, last: 384, pooling: TimePooling::Mean, blocks }
    }
}

impl MobileSpec {
    /// The trunk of [`MobileNetSpec::standard`] made local in time: as wide, with a feature every eight frames instead of 32,
    /// and no kernel over time from the eighth block on. 0.78 M parameters for 50 labels.
    pub fn standard() -> Self {
        const OVER_TIME: usize = 7;
        let MobileNetSpec { stem, last, mut blocks, .. } = MobileNetSpec::standard();
        for (index, block) in blocks.iter_mut().enumerate() {
            if index >= OVER_TIME {
                block.time_kernel = 1;
            }
            if block.activation == ActivationFunction::HardSwish {
                block.time_stride = 1;
            }
        }
        Self { stem, last, lstm_hidden: 128, pooling: TimePooling::Attention, blocks }
    }
}
