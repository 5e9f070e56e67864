//! Kinds of network and their sizes, as a bundle's `[network]` gives them. Everything that follows from the sizes alone.

use serde::{Deserialize, Serialize};

use super::NetworkError;

/// A network and its sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NetworkSpec {
    /// Convolutions over time and frequency, then an LSTM over time.
    Crnn(CrnnSpec),
}

/// Sizes of a convolutional recurrent network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrnnSpec {
    /// Width of the projection from the last convolution to the LSTM.
    pub projection: i64,
    /// Hidden units of the LSTM.
    pub lstm_hidden: i64,
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

/// Kernel of every convolution, in time and in frequency.
pub const KERNEL: i64 = 3;

/// No sizes beyond these make sense. They also keep every product below from overflowing; how much is allocated is
/// bounded by the weights file (see [`CrnnSpec::parameters`]).
const LARGEST: i64 = 4096;
const MOST_BLOCKS: i64 = 8;
const LARGEST_POOL: i64 = 16;

impl CrnnSpec {
    /// Four blocks of 32 to 128 channels, a feature every four frames, an LSTM of 128: 0.43 M parameters for 50 labels.
    pub fn standard() -> Self {
        let block =
            |channels, time_pool, band_pool| ConvBlockSpec { channels, time_pool, band_pool };
        Self {
            projection: 128,
            lstm_hidden: 128,
            blocks: vec![block(32, 2, 2), block(64, 2, 2), block(128, 1, 2), block(128, 1, 2)],
        }
    }

    /// Frames from one feature to the next: every window starts at a multiple of it.
    pub fn time_stride(&self) -> i64 {
        self.blocks.iter().map(|block| block.time_pool).product()
    }

    /// Frames that one feature depends on.
    pub fn receptive_frames(&self) -> i64 {
        self.blocks.iter().rev().fold(1, |frames, block| frames * block.time_pool + KERNEL - 1)
    }

    /// Features of a window of `frames` frames; zero when it is too short for one.
    pub fn features_of(&self, frames: i64) -> i64 {
        let beyond_first = frames - self.receptive_frames();
        if beyond_first < 0 { 0 } else { beyond_first / self.time_stride() + 1 }
    }

    /// Bands that are left after all pooling.
    pub fn bands_left(&self, mel_bands: i64) -> i64 {
        self.blocks.iter().fold(mel_bands, |bands, block| bands / block.band_pool)
    }

    /// Numbers in the weights file, the statistics of the batch norms included. To be asked after [`Self::check`].
    pub fn parameters(&self, mel_bands: i64, labels: i64) -> i64 {
        let mut channels_in = 1;
        let mut convolutions = 0;
        for block in &self.blocks {
            // kernel; weight, bias, mean and variance of the norm
            convolutions += block.channels * (channels_in * KERNEL * KERNEL + 4);
            channels_in = block.channels;
        }
        let columns = channels_in * self.bands_left(mel_bands);
        let (projection, hidden) = (self.projection, self.lstm_hidden);
        convolutions
            + projection * (columns + 1)
            + 4 * hidden * (projection + hidden + 2)
            + labels * (hidden + 1)
    }

    /// Checks the sizes against each other and against the windows the network is to see.
    ///
    /// # Errors
    /// [`NetworkError`] naming the size that does not fit.
    pub fn check(&self, mel_bands: usize, frames: usize, hop: usize) -> Result<(), NetworkError> {
        let size = |what: &'static str, found: i64, largest: i64| {
            if (1..=largest).contains(&found) {
                Ok(())
            } else {
                Err(NetworkError::Size { what, found, largest })
            }
        };
        size("projection", self.projection, LARGEST)?;
        size("lstm_hidden", self.lstm_hidden, LARGEST)?;
        size("the number of blocks", self.blocks.len() as i64, MOST_BLOCKS)?;
        for block in &self.blocks {
            size("channels", block.channels, LARGEST)?;
            size("time_pool", block.time_pool, LARGEST_POOL)?;
            size("band_pool", block.band_pool, LARGEST_POOL)?;
        }
        let (frames, hop) = (frames as i64, hop as i64);
        let (stride, receptive) = (self.time_stride(), self.receptive_frames());
        if self.bands_left(mel_bands as i64) == 0 {
            return Err(NetworkError::BandsPooledAway { mel_bands });
        }
        if frames < receptive || (frames - receptive) % stride != 0 {
            return Err(NetworkError::WindowFrames { frames, receptive, stride });
        }
        if hop % stride != 0 {
            return Err(NetworkError::HopFrames { hop, stride });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_network_sees_26_frames_a_feature_and_steps_by_4() {
        let spec = CrnnSpec::standard();
        assert_eq!((spec.receptive_frames(), spec.time_stride()), (26, 4));
        assert_eq!(spec.features_of(94), 18);
        assert!(spec.check(64, 94, 4).is_ok());
    }

    #[test]
    fn windows_off_the_grid_are_refused() {
        let spec = CrnnSpec::standard();
        assert!(matches!(spec.check(64, 95, 4), Err(NetworkError::WindowFrames { .. })));
        assert!(matches!(spec.check(64, 94, 6), Err(NetworkError::HopFrames { .. })));
        assert!(matches!(spec.check(8, 94, 4), Err(NetworkError::BandsPooledAway { .. })));
    }
}
