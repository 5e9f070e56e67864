//! The shapes that follow from the sizes of a `mobile` trunk: columns and tensors. Part of [`super::structure`].

use super::size_limits::{MAX_KERNEL, MAX_POOL, MAX_SIZE, check_size};
use super::weights::TensorSpec;
use super::{MobileBlockSpec, MobileNetSpec, MobileSpec, NetworkError};

const MAX_BLOCKS: i64 = 32;

/// The layers of a trunk of inverted residuals.
#[derive(Debug, Clone)]
pub struct MobileLayers {
    pub stem: i64,
    pub blocks: Vec<MobileBlockSpec>,
    pub last: i64,
    /// Whether windows are padded in time, and squeezed and excited as a whole.
    pub whole_windows: bool,
}

impl From<&MobileSpec> for MobileLayers {
    fn from(sizes: &MobileSpec) -> Self {
        let MobileSpec { stem, last, blocks, .. } = sizes;
        Self { stem: *stem, blocks: blocks.clone(), last: *last, whole_windows: false }
    }
}

impl From<&MobileNetSpec> for MobileLayers {
    fn from(sizes: &MobileNetSpec) -> Self {
        let MobileNetSpec { stem, last, blocks, .. } = sizes;
        Self { stem: *stem, blocks: blocks.clone(), last: *last, whole_windows: true }
    }
}

impl MobileBlockSpec {
    /// Whether what came in is added to what comes out.
    pub(crate) fn is_residual(&self, channels_in: i64) -> bool {
        (self.band_stride, self.time_stride) == (1, 1) && self.channels == channels_in
    }

    /// Zeros at each end of a column's bands.
    pub(crate) fn band_padding(&self) -> i64 {
        (self.band_kernel - 1) / 2
    }
}

impl MobileLayers {
    /// Of the batch norms: that of the published network whose weights training may start from.
    pub const NORM_EPSILON: f32 = 1e-3;
    /// The first convolution's kernel, in bands and in time alike.
    pub const STEM_KERNEL: i64 = 3;

    /// Its stride, likewise.
    pub const STEM_STRIDE: i64 = 2;

    /// Frames from the start of one window to the next one's, at least: from one column to the next.
    pub fn time_stride(&self) -> i64 {
        if self.whole_windows {
            return 1;
        }
        Self::STEM_STRIDE * self.blocks.iter().map(|block| block.time_stride).product::<i64>()
    }

    /// Columns of a window that is padded.
    pub fn columns_of(&self, frames: i64) -> i64 {
        let stem = strided(frames, Self::STEM_STRIDE);
        self.blocks.iter().fold(stem, |columns, block| strided(columns, block.time_stride))
    }

    /// Frames of the shortest window: that one column depends on.
    pub fn receptive_frames(&self) -> i64 {
        if self.whole_windows {
            return 1;
        }
        let columns = self
            .blocks
            .iter()
            .rev()
            .fold(1, |columns, block| (columns - 1) * block.time_stride + block.time_kernel);
        (columns - 1) * Self::STEM_STRIDE + Self::STEM_KERNEL
    }

    /// Channels and bands of a column that each block gets, and, last, what the last one gives.
    pub fn block_shapes(&self, mel_bands: i64) -> Vec<[i64; 2]> {
        let mut shape = [self.stem, strided(mel_bands, Self::STEM_STRIDE)];
        let mut shapes = vec![shape];
        for block in &self.blocks {
            shape = [block.channels, strided(shape[1], block.band_stride)];
            shapes.push(shape);
        }
        shapes
    }

    /// Adds name and shape of every tensor.
    pub fn tensors(&self, tensors: &mut Vec<TensorSpec>) {
        let mut add = |name: String, shape: Vec<i64>| tensors.push(TensorSpec { name, shape });
        let mut convolution = |name: &str, shape: [i64; 4]| {
            add(format!("{name}.conv.weight"), shape.to_vec());
            for statistic in ["weight", "bias", "running_mean", "running_var"] {
                add(format!("{name}.norm.{statistic}"), vec![shape[0]]);
            }
        };
        convolution("stem", [self.stem, 1, Self::STEM_KERNEL, Self::STEM_KERNEL]);
        let mut channels = self.stem;
        for (index, block) in self.blocks.iter().enumerate() {
            let name = format!("block{index}");
            if block.expanded != channels {
                convolution(&format!("{name}.expand"), [block.expanded, channels, 1, 1]);
            }
            let kernel = [block.expanded, 1, block.band_kernel, block.time_kernel];
            convolution(&format!("{name}.depthwise"), kernel);
            convolution(&format!("{name}.project"), [block.channels, block.expanded, 1, 1]);
            channels = block.channels;
        }
        convolution("last", [self.last, channels, 1, 1]);
        for (index, block) in self.blocks.iter().enumerate().filter(|(_, it)| it.squeeze > 0) {
            let (squeeze, expanded) = (block.squeeze, block.expanded);
            add(format!("block{index}.squeeze.fc1.weight"), vec![squeeze, expanded]);
            add(format!("block{index}.squeeze.fc1.bias"), vec![squeeze]);
            add(format!("block{index}.squeeze.fc2.weight"), vec![expanded, squeeze]);
            add(format!("block{index}.squeeze.fc2.bias"), vec![expanded]);
        }
    }

    /// Checks every size on its own.
    ///
    /// # Errors
    /// [`NetworkError::Size`] or [`NetworkError::EvenKernel`].
    pub fn check(&self) -> Result<(), NetworkError> {
        let blocks = i64::try_from(self.blocks.len()).unwrap_or(i64::MAX);
        check_size("the number of blocks", blocks, MAX_BLOCKS)?;
        check_size("stem", self.stem, MAX_SIZE)?;
        check_size("last", self.last, MAX_SIZE)?;
        for block in &self.blocks {
            check_size("channels", block.channels, MAX_SIZE)?;
            check_size("expanded", block.expanded, MAX_SIZE)?;
            check_size("band_stride", block.band_stride, MAX_POOL)?;
            // a longer one would skip columns, and the first window would not end where the next ones do
            check_size("time_stride", block.time_stride, block.time_kernel)?;
            check_size("squeeze, counted from 1,", block.squeeze + 1, MAX_SIZE)?;
            let kernels = [("band_kernel", block.band_kernel), ("time_kernel", block.time_kernel)];
            for (what, found) in kernels {
                check_size(what, found, MAX_KERNEL)?;
                if found % 2 == 0 {
                    return Err(NetworkError::EvenKernel { what, found });
                }
            }
        }
        Ok(())
    }

    /// Values of the layer that makes the most of a window.
    pub fn most_values(&self, mel_bands: i64, frames: i64) -> i64 {
        let shapes = self.block_shapes(mel_bands);
        let mut columns = strided(frames, Self::STEM_STRIDE);
        let mut max = columns * shapes[0][0] * shapes[0][1];
        for (block, [_, bands]) in self.blocks.iter().zip(&shapes) {
            max = max.max(columns * bands * block.expanded);
            columns = strided(columns, block.time_stride);
        }
        max.max(columns * shapes[shapes.len() - 1][1] * self.last)
    }
}

/// What a padded convolution makes of so many bands or columns.
pub fn strided(size: i64, stride: i64) -> i64 {
    (size - 1) / stride + 1
}
