//! How the six networks are composed. Each is the same five parts, some of them absent:
//!
//! | | trunk | columns side by side | projection | LSTM | pooling over time, output |
//! |---|---|---|---|---|---|
//! | `conv1d` | convolutions over time; bands are channels | 1 | – | – | yes |
//! | `cnn` | convolutions over time and bands | 1 | yes | – | yes |
//! | `lstm` | – | `frames_per_step` | yes | yes | yes |
//! | `crnn` | convolutions over time and bands | 1 | yes | yes | yes |
//! | `mobile` | inverted residuals over time and bands, then the mean over bands | 1 | – | yes | yes, of states and features |
//! | `mobilenet` | inverted residuals over whole windows, then the mean over bands | 1 | – | – | yes |
//!
//! What comes before the LSTM turns frames into **features**, one every [`Structure::time_stride`] frames, and is unpadded
//! in time: a feature depends on its frames alone, so listening computes it once for all windows (but for `mobilenet`, which
//! computes each window whole). LSTM, pooling and output
//! see one window's features and nothing else. [`super::NetworkSpec`] gives the structure of a network,
//! [`super::inference_network`] computes it, [`super::layer_cost`] counts it; with libtorch it is trained.

use super::mobile_layers::MobileLayers;
use super::size_limits::{MAX_KERNEL, MAX_POOL, MAX_SIZE, check_size};
use super::weights::TensorSpec;
use super::{NetworkError, TimePooling};
use crate::features::WindowSpec;

const MAX_BLOCKS: i64 = 8;

/// Values that one layer may make of one window: 256 MB, over three hundred times what the largest standard network does.
const MAX_VALUES: i64 = 1 << 26;

/// A network's parts and their sizes.
#[derive(Debug, Clone)]
pub struct Structure {
    pub bands: BandsAs,
    pub trunk: Trunk,
    /// Columns that stand side by side in one feature.
    pub columns_per_feature: i64,
    pub projection: Option<i64>,
    pub lstm_hidden: Option<i64>,
    /// Whether each feature is pooled beside the LSTM's state after it.
    pub features_pooled: bool,
    pub pooling: TimePooling,
}

/// What turns frames into columns.
#[derive(Debug, Clone)]
pub enum Trunk {
    /// Convolutions, each with its pooling; none where frames are columns.
    Convolutions(Vec<ConvLayer>),
    /// Inverted residuals, then the mean over bands.
    Mobile(MobileLayers),
}

/// What the mel bands are to the first convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandsAs {
    /// A direction of space, like time.
    Rows,
    /// Channels.
    Channels,
}

/// One convolution with its batch norm, ReLU and max pooling. Sizes in bands and in time, as libtorch orders them.
#[derive(Debug, Clone, Copy)]
pub struct ConvLayer {
    pub channels: i64,
    pub kernel: [i64; 2],
    pub pool: [i64; 2],
}

impl ConvLayer {
    /// Unpadded in time; as many bands come out as go in.
    pub fn padding(&self) -> [i64; 2] {
        [(self.kernel[0] - 1) / 2, 0]
    }
}

impl Structure {
    /// The convolutions of a trunk that has nothing else.
    pub fn convolutions(&self) -> &[ConvLayer] {
        match &self.trunk {
            Trunk::Convolutions(layers) => layers,
            Trunk::Mobile(_) => &[],
        }
    }

    /// Whether nothing of a window serves the next one.
    pub fn sees_whole_windows(&self) -> bool {
        matches!(&self.trunk, Trunk::Mobile(layers) if layers.whole_windows)
    }

    /// Frames from one feature to the next: every window starts at a multiple of it.
    pub fn time_stride(&self) -> i64 {
        let trunk = match &self.trunk {
            Trunk::Convolutions(layers) => layers.iter().map(|layer| layer.pool[1]).product(),
            Trunk::Mobile(layers) => layers.time_stride(),
        };
        trunk * self.columns_per_feature
    }

    /// Frames that one feature depends on.
    pub fn receptive_frames(&self) -> i64 {
        match &self.trunk {
            Trunk::Convolutions(layers) => {
                layers.iter().rev().fold(self.columns_per_feature, |columns, layer| {
                    columns * layer.pool[1] + layer.kernel[1] - 1
                })
            }
            Trunk::Mobile(layers) => layers.receptive_frames(),
        }
    }

    /// Features of a window of `frames` frames; zero when it is too short for one.
    pub fn features_of(&self, frames: i64) -> i64 {
        if self.sees_whole_windows()
            && let Trunk::Mobile(layers) = &self.trunk
        {
            return layers.columns_of(frames);
        }
        let beyond_first = frames - self.receptive_frames();
        if beyond_first < 0 { 0 } else { beyond_first / self.time_stride() + 1 }
    }

    /// Channels and bands of one column: what each convolution gets, and, last, what the last one gives.
    pub fn column_shapes(&self, mel_bands: i64) -> Vec<[i64; 2]> {
        let first = match self.bands {
            BandsAs::Rows => [1, mel_bands],
            BandsAs::Channels => [mel_bands, 1],
        };
        let mut shapes = vec![first];
        match &self.trunk {
            Trunk::Convolutions(layers) => {
                let mut bands = first[1];
                for layer in layers {
                    bands /= layer.pool[0];
                    shapes.push([layer.channels, bands]);
                }
            }
            // bands become one by their mean
            Trunk::Mobile(layers) => shapes.push([layers.last, 1]),
        }
        shapes
    }

    /// Values of the columns of one feature, before the projection.
    pub fn stacked_width(&self, mel_bands: i64) -> i64 {
        let last =
            self.column_shapes(mel_bands).last().map_or(0, |[channels, bands]| channels * bands);
        last * self.columns_per_feature
    }

    /// Values of a feature.
    pub fn feature_width(&self, mel_bands: i64) -> i64 {
        self.projection.unwrap_or_else(|| self.stacked_width(mel_bands))
    }

    /// Values of what is pooled over time: the LSTM's states, the features, or both side by side.
    pub fn state_width(&self, mel_bands: i64) -> i64 {
        match self.lstm_hidden {
            Some(hidden) if self.features_pooled => hidden + self.feature_width(mel_bands),
            Some(hidden) => hidden,
            None => self.feature_width(mel_bands),
        }
    }

    /// Name and shape of every tensor of the weights, as PyTorch names the parameters of such layers.
    pub fn tensors(&self, mel_bands: i64, labels: i64) -> Vec<TensorSpec> {
        let mut tensors = Vec::new();
        if let Trunk::Mobile(layers) = &self.trunk {
            layers.tensors(&mut tensors);
        }
        let mut add = |name: String, shape: Vec<i64>| tensors.push(TensorSpec { name, shape });
        let shapes = self.column_shapes(mel_bands);
        for (index, (layer, [channels_in, _])) in self.convolutions().iter().zip(shapes).enumerate()
        {
            let [bands, columns] = layer.kernel;
            let kernel = vec![layer.channels, channels_in, bands, columns];
            // no bias: the batch norm has one
            add(format!("block{index}.conv.weight"), kernel);
            for statistic in ["weight", "bias", "running_mean", "running_var"] {
                add(format!("block{index}.norm.{statistic}"), vec![layer.channels]);
            }
        }
        if let Some(width) = self.projection {
            add("projection.weight".into(), vec![width, self.stacked_width(mel_bands)]);
            add("projection.bias".into(), vec![width]);
        }
        if let Some(hidden) = self.lstm_hidden {
            add("lstm.weight_ih_l0".into(), vec![4 * hidden, self.feature_width(mel_bands)]);
            add("lstm.weight_hh_l0".into(), vec![4 * hidden, hidden]);
            add("lstm.bias_ih_l0".into(), vec![4 * hidden]);
            add("lstm.bias_hh_l0".into(), vec![4 * hidden]);
        }
        let states = self.state_width(mel_bands);
        if self.pooling == TimePooling::Attention {
            add("attention.weight".into(), vec![1, states]);
        }
        add("output.weight".into(), vec![labels, states]);
        add("output.bias".into(), vec![labels]);
        tensors
    }

    /// Checks the sizes against each other and against the windows the network is to see.
    ///
    /// # Errors
    /// [`NetworkError`] naming the size that does not fit.
    pub fn check(&self, mel_bands: usize, window: WindowSpec) -> Result<(), NetworkError> {
        self.check_sizes()?;
        let given = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        let bands = given(mel_bands);
        check_size("front_end.mel_bands", bands, MAX_SIZE)?;
        let (frames, hop) = (given(window.frames), given(window.hop_frames));
        check_size("window.frames", frames, WindowSpec::MAX_FRAMES as i64)?;
        check_size("window.hop_frames", hop, frames)?;
        if self.stacked_width(bands) <= 0 {
            return Err(NetworkError::BandsPooledAway { mel_bands });
        }
        let (stride, receptive) = (self.time_stride(), self.receptive_frames());
        if frames < receptive || (frames - receptive) % stride != 0 {
            return Err(NetworkError::WindowFrames { frames, receptive, stride });
        }
        if hop % stride != 0 {
            return Err(NetworkError::HopFrames { hop, stride });
        }
        let values = self.most_values(bands, frames);
        if values > MAX_VALUES {
            return Err(NetworkError::Values { frames, mel_bands, values, max: MAX_VALUES });
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), NetworkError> {
        if let Trunk::Mobile(layers) = &self.trunk {
            layers.check()?;
        }
        for layer in self.convolutions() {
            check_size("channels", layer.channels, MAX_SIZE)?;
            check_size("kernel", layer.kernel[1], MAX_KERNEL)?;
            check_size("time_pool", layer.pool[1], MAX_POOL)?;
            check_size("band_pool", layer.pool[0], MAX_POOL)?;
        }
        check_size("frames_per_step", self.columns_per_feature, MAX_POOL)?;
        check_size("projection", self.projection.unwrap_or(1), MAX_SIZE)?;
        check_size("lstm_hidden", self.lstm_hidden.unwrap_or(1), MAX_SIZE)
    }

    /// Values of the layer that makes the most of a window.
    fn most_values(&self, mel_bands: i64, frames: i64) -> i64 {
        let mut columns = frames;
        let mut max = frames * mel_bands;
        if let Trunk::Mobile(layers) = &self.trunk {
            max = max.max(layers.most_values(mel_bands, frames));
        }
        for (layer, [_, bands]) in self.convolutions().iter().zip(self.column_shapes(mel_bands)) {
            max = max.max(layer.channels * bands * columns);
            columns /= layer.pool[1];
        }
        // an LSTM computes four gates a step
        let widest = self.feature_width(mel_bands).max(4 * self.lstm_hidden.unwrap_or(0));
        max.max(self.features_of(frames) * widest)
    }
}

/// Checks the number of blocks of a network that has any.
///
/// # Errors
/// [`NetworkError::Size`].
pub fn check_blocks(blocks: usize) -> Result<(), NetworkError> {
    check_size("the number of blocks", i64::try_from(blocks).unwrap_or(i64::MAX), MAX_BLOCKS)
}
