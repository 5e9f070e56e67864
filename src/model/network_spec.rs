//! A network by kind and sizes, as a bundle's `[network]` gives it, and everything that follows from the sizes alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::layer_cost::{LayerCost, layer_costs};
use super::mobile_layers::MobileLayers;
use super::network_sizes::ConvBlockSpec;
use super::structure::{BandsAs, ConvLayer, Structure, Trunk, check_blocks};
use super::weights::TensorSpec;
use super::{
    CnnSpec, Conv1dSpec, CrnnSpec, LstmSpec, MobileNetSpec, MobileSpec, NetworkError, TimePooling,
};
use crate::domain::DomainError;
use crate::features::{FrontEndSpec, WindowSpec};

/// A kind of network; its sizes are in [`super::NetworkSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Convolutions over time; the mel bands are channels.
    Conv1d,
    /// Convolutions over time and frequency.
    Cnn,
    /// An LSTM over the frames themselves.
    Lstm,
    /// Convolutions over time and frequency, then an LSTM over time.
    Crnn,
    /// Inverted residuals over time and frequency, then an LSTM over time.
    Mobile,
    /// Inverted residuals over whole windows.
    #[serde(rename = "mobilenet")]
    MobileNet,
}

impl NetworkKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Conv1d, Self::Cnn, Self::Lstm, Self::Crnn, Self::Mobile, Self::MobileNet];

    /// The windows that the standard sizes of this kind were chosen for: about two seconds, one every 80 ms.
    pub fn standard_window(self) -> WindowSpec {
        match self {
            Self::Conv1d | Self::Cnn | Self::Lstm | Self::Crnn => {
                WindowSpec { frames: 94, hop_frames: 4 }
            }
            Self::Mobile | Self::MobileNet => WindowSpec { frames: 187, hop_frames: 8 },
        }
    }

    /// The front end that they were chosen for.
    ///
    /// # Errors
    /// None in practice; the rate goes through the usual check.
    pub fn standard_front_end(self) -> Result<FrontEndSpec, DomainError> {
        match self {
            Self::Conv1d | Self::Cnn | Self::Lstm | Self::Crnn => FrontEndSpec::standard(),
            Self::Mobile | Self::MobileNet => FrontEndSpec::fine(),
        }
    }

    /// The name in manifests and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv1d => "conv1d",
            Self::Cnn => "cnn",
            Self::Lstm => "lstm",
            Self::Crnn => "crnn",
            Self::Mobile => "mobile",
            Self::MobileNet => "mobilenet",
        }
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for NetworkKind {
    type Err = NetworkError;

    /// # Errors
    /// [`NetworkError::Kind`] when there is no such kind.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| NetworkError::Kind { found: text.to_owned() })
    }
}

/// A network and its sizes. All but [`Self::check`] and [`Self::kind`] are to be asked after [`Self::check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NetworkSpec {
    /// Convolutions over time; the mel bands are channels.
    Conv1d(Conv1dSpec),
    /// Convolutions over time and frequency.
    Cnn(CnnSpec),
    /// An LSTM over the frames themselves.
    Lstm(LstmSpec),
    /// Convolutions over time and frequency, then an LSTM over time.
    Crnn(CrnnSpec),
    /// Inverted residuals over time and frequency, then an LSTM over time.
    Mobile(MobileSpec),
    /// Inverted residuals over whole windows.
    #[serde(rename = "mobilenet")]
    MobileNet(MobileNetSpec),
}

impl NetworkSpec {
    /// The sizes that were chosen for 64 mel bands and windows of about two seconds.
    pub fn standard(kind: NetworkKind) -> Self {
        match kind {
            NetworkKind::Conv1d => Self::Conv1d(Conv1dSpec::standard()),
            NetworkKind::Cnn => Self::Cnn(CnnSpec::standard()),
            NetworkKind::Lstm => Self::Lstm(LstmSpec::standard()),
            NetworkKind::Crnn => Self::Crnn(CrnnSpec::standard()),
            NetworkKind::Mobile => Self::Mobile(MobileSpec::standard()),
            NetworkKind::MobileNet => Self::MobileNet(MobileNetSpec::standard()),
        }
    }

    /// The kind of network.
    pub fn kind(&self) -> NetworkKind {
        match self {
            Self::Conv1d(_) => NetworkKind::Conv1d,
            Self::Cnn(_) => NetworkKind::Cnn,
            Self::Lstm(_) => NetworkKind::Lstm,
            Self::Crnn(_) => NetworkKind::Crnn,
            Self::Mobile(_) => NetworkKind::Mobile,
            Self::MobileNet(_) => NetworkKind::MobileNet,
        }
    }

    /// How the network pools over time.
    pub fn pooling(&self) -> TimePooling {
        self.structure().pooling
    }

    /// The same network with another pooling over time.
    pub fn with_pooling(mut self, pooling: TimePooling) -> Self {
        *match &mut self {
            Self::Conv1d(sizes) => &mut sizes.pooling,
            Self::Cnn(sizes) => &mut sizes.pooling,
            Self::Lstm(sizes) => &mut sizes.pooling,
            Self::Crnn(sizes) => &mut sizes.pooling,
            Self::Mobile(sizes) => &mut sizes.pooling,
            Self::MobileNet(sizes) => &mut sizes.pooling,
        } = pooling;
        self
    }

    /// Checks the sizes against each other and against the windows the network is to see.
    ///
    /// # Errors
    /// [`NetworkError`] naming the size that does not fit.
    pub fn check(&self, mel_bands: usize, frames: usize, hop: usize) -> Result<(), NetworkError> {
        match self {
            Self::Conv1d(sizes) => check_blocks(sizes.blocks.len())?,
            Self::Cnn(sizes) => check_blocks(sizes.blocks.len())?,
            Self::Crnn(sizes) => check_blocks(sizes.blocks.len())?,
            Self::Lstm(_) | Self::Mobile(_) | Self::MobileNet(_) => {}
        }
        self.structure().check(mel_bands, WindowSpec { frames, hop_frames: hop })
    }

    /// Frames from one feature to the next: every window starts at a multiple of it.
    pub fn time_stride(&self) -> usize {
        frames_of(self.structure().time_stride())
    }

    /// Frames that one feature depends on: the shortest window.
    pub fn receptive_frames(&self) -> usize {
        frames_of(self.structure().receptive_frames())
    }

    /// Features of a window of `frames` frames; zero when it is too short for one.
    pub fn features_of(&self, frames: usize) -> usize {
        frames_of(self.structure().features_of(frames as i64))
    }

    /// The window length nearest to `frames` that is a whole number of features; the longer of two equally near.
    pub fn frames_near(&self, frames: usize) -> usize {
        let (stride, receptive) = (self.time_stride(), self.receptive_frames());
        let beyond_first = frames.saturating_sub(receptive);
        receptive + (beyond_first + stride / 2) / stride * stride
    }

    /// Name and shape of every tensor in the weights file, the statistics of the batch norms included.
    pub fn tensors(&self, mel_bands: i64, labels: i64) -> Vec<TensorSpec> {
        self.structure().tensors(mel_bands, labels)
    }

    /// Numbers in the weights file.
    pub fn parameters(&self, mel_bands: i64, labels: i64) -> i64 {
        self.tensors(mel_bands, labels).iter().map(TensorSpec::values).sum()
    }

    /// Multiplications of a window of `frames` frames, computed from scratch; each with its addition.
    pub fn multiply_adds(&self, mel_bands: i64, frames: usize, labels: i64) -> i64 {
        let window = WindowSpec { frames, hop_frames: frames };
        self.layers(mel_bands, window, labels).iter().map(|cost| cost.multiply_adds).sum()
    }

    /// Multiplications of a window when the window a hop before it was computed already.
    pub fn multiply_adds_per_hop(&self, mel_bands: i64, window: WindowSpec, labels: i64) -> i64 {
        self.layers(mel_bands, window, labels).iter().map(|cost| cost.multiply_adds_per_hop).sum()
    }

    /// What each layer makes of a window, and at what cost, first to last.
    pub fn layers(&self, mel_bands: i64, window: WindowSpec, labels: i64) -> Vec<LayerCost> {
        layer_costs(&self.structure(), mel_bands, window, labels)
    }

    pub(crate) fn structure(&self) -> Structure {
        Structure::from(self)
    }
}

impl From<&NetworkSpec> for Structure {
    fn from(spec: &NetworkSpec) -> Self {
        let over_both =
            |blocks: &[ConvBlockSpec]| blocks.iter().map(over_time_and_bands).collect::<Vec<_>>();
        match spec {
            NetworkSpec::Conv1d(sizes) => Self {
                bands: BandsAs::Channels,
                trunk: Trunk::Convolutions(
                    sizes
                        .blocks
                        .iter()
                        .map(|block| ConvLayer {
                            channels: block.channels,
                            kernel: [1, block.kernel],
                            pool: [1, block.time_pool],
                        })
                        .collect(),
                ),
                columns_per_feature: 1,
                projection: None,
                lstm_hidden: None,
                features_pooled: false,
                pooling: sizes.pooling,
            },
            NetworkSpec::Cnn(sizes) => Self {
                bands: BandsAs::Rows,
                trunk: Trunk::Convolutions(over_both(&sizes.blocks)),
                columns_per_feature: 1,
                projection: Some(sizes.projection),
                lstm_hidden: None,
                features_pooled: false,
                pooling: sizes.pooling,
            },
            NetworkSpec::Lstm(sizes) => Self {
                bands: BandsAs::Rows,
                trunk: Trunk::Convolutions(Vec::new()),
                columns_per_feature: sizes.frames_per_step,
                projection: Some(sizes.projection),
                lstm_hidden: Some(sizes.lstm_hidden),
                features_pooled: false,
                pooling: sizes.pooling,
            },
            NetworkSpec::Crnn(sizes) => Self {
                bands: BandsAs::Rows,
                trunk: Trunk::Convolutions(over_both(&sizes.blocks)),
                columns_per_feature: 1,
                projection: Some(sizes.projection),
                lstm_hidden: Some(sizes.lstm_hidden),
                features_pooled: false,
                pooling: sizes.pooling,
            },
            NetworkSpec::Mobile(sizes) => Self {
                bands: BandsAs::Rows,
                trunk: Trunk::Mobile(MobileLayers::from(sizes)),
                columns_per_feature: 1,
                projection: None,
                lstm_hidden: Some(sizes.lstm_hidden),
                features_pooled: true,
                pooling: sizes.pooling,
            },
            NetworkSpec::MobileNet(sizes) => Self {
                bands: BandsAs::Rows,
                trunk: Trunk::Mobile(MobileLayers::from(sizes)),
                columns_per_feature: 1,
                projection: None,
                lstm_hidden: None,
                features_pooled: false,
                pooling: sizes.pooling,
            },
        }
    }
}

/// A convolution over time and bands; its kernel is as long in both directions.
fn over_time_and_bands(block: &ConvBlockSpec) -> ConvLayer {
    const KERNEL: i64 = 3;
    ConvLayer {
        channels: block.channels,
        kernel: [KERNEL, KERNEL],
        pool: [block.band_pool, block.time_pool],
    }
}

fn frames_of(frames: i64) -> usize {
    usize::try_from(frames).unwrap_or(usize::MAX)
}

impl fmt::Display for NetworkSpec {
    /// One line for people: `crnn: convolutions of 32, 64 channels, projection to 128, LSTM of 128, mean over time`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let structure = self.structure();
        write!(f, "{}: ", self.kind())?;
        if let Trunk::Mobile(layers) = &structure.trunk {
            let blocks = layers.blocks.len();
            write!(f, "{blocks} inverted residuals, {} channels, ", layers.last)?;
        }
        if !structure.convolutions().is_empty() {
            let channels: Vec<String> =
                structure.convolutions().iter().map(|layer| layer.channels.to_string()).collect();
            write!(f, "convolutions of {} channels, ", channels.join(", "))?;
        }
        if structure.columns_per_feature > 1 {
            write!(f, "{} frames a step, ", structure.columns_per_feature)?;
        }
        if let Some(width) = structure.projection {
            write!(f, "projection to {width}, ")?;
        }
        if let Some(hidden) = structure.lstm_hidden {
            write!(f, "LSTM of {hidden}, ")?;
        }
        match structure.pooling {
            TimePooling::Mean => f.write_str("mean over time"),
            TimePooling::Attention => f.write_str("attention over time"),
        }
    }
}
