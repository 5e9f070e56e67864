//! The options of `tympan train` that say what network is fitted and what it sees. Read into the network's sizes and the
//! window.

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;

use super::training_options::by_name;
use crate::cli::Failure;
use crate::features::{FrontEndSpec, WindowSpec};
use crate::model::{
    Conv1dBlockSpec, ConvBlockSpec, NetworkError, NetworkKind, NetworkSpec, TimePooling,
};

/// Blocks that pool over time as well, where only channels are given; all pool over bands.
const TIME_POOLING_BLOCKS: usize = 2;

/// What network is fitted, and what it sees.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Kind of network: conv1d, cnn, lstm, crnn (the default), mobile or mobilenet
    #[arg(long, value_parser = by_name::<NetworkKind>)]
    network: Option<NetworkKind>,
    /// Channels of each block of convolutions, such as 32,64,128,128
    #[arg(long, value_delimiter = ',')]
    channels: Vec<i64>,
    /// Hidden units of the LSTM
    #[arg(long, value_name = "UNITS")]
    hidden: Option<i64>,
    /// Width of the projection behind the convolutions, or before the LSTM
    #[arg(long, value_name = "WIDTH")]
    projection: Option<i64>,
    /// How features become one: mean or attention
    #[arg(long, value_parser = by_name::<TimePooling>)]
    pooling: Option<TimePooling>,
    /// Length of a window; the nearest that the network can have is taken
    #[arg(long, value_name = "SECONDS")]
    window: Option<f64>,
    /// Time from one window to the next; the nearest that the network can have is taken
    #[arg(long, value_name = "SECONDS")]
    hop: Option<f64>,
    /// Mel bands of a frame (64; of mobile and mobilenet 101)
    #[arg(long, value_name = "BANDS")]
    mel_bands: Option<usize>,
}

impl NetworkOptions {
    fn kind(&self) -> NetworkKind {
        self.network.unwrap_or(NetworkKind::Crnn)
    }

    /// Whether a step is too short to be shared: on a machine with other work, two threads took 1.4 to 4 times as long
    /// as one, waiting for each other.
    pub fn has_short_steps(&self) -> bool {
        matches!(self.kind(), NetworkKind::Conv1d | NetworkKind::Lstm)
    }

    /// The front end.
    ///
    /// # Errors
    /// [`Failure`] in practice never.
    pub fn front_end(&self) -> Result<FrontEndSpec, Failure> {
        let standard = self.kind().standard_front_end().map_err(Failure::failed)?;
        Ok(FrontEndSpec { mel_bands: self.mel_bands.unwrap_or(standard.mel_bands), ..standard })
    }

    /// The network: the standard one of its kind, with the sizes given.
    ///
    /// # Errors
    /// [`Failure`] when a size is given that this kind of network does not have.
    pub fn spec(&self) -> Result<NetworkSpec, Failure> {
        let mut spec = NetworkSpec::standard(self.kind());
        if let Some(pooling) = self.pooling {
            spec = spec.with_pooling(pooling);
        }
        let kind = spec.kind();
        let absent = |option: &str| {
            Failure::usage(anyhow!("--{option} was given, but a {kind} has none; leave it out"))
        };
        if let Some(hidden) = self.hidden {
            match &mut spec {
                NetworkSpec::Lstm(sizes) => sizes.lstm_hidden = hidden,
                NetworkSpec::Crnn(sizes) => sizes.lstm_hidden = hidden,
                NetworkSpec::Mobile(sizes) => sizes.lstm_hidden = hidden,
                _ => return Err(absent("hidden")),
            }
        }
        if let Some(projection) = self.projection {
            match &mut spec {
                NetworkSpec::Lstm(sizes) => sizes.projection = projection,
                NetworkSpec::Crnn(sizes) => sizes.projection = projection,
                NetworkSpec::Cnn(sizes) => sizes.projection = projection,
                NetworkSpec::Conv1d(_) | NetworkSpec::Mobile(_) | NetworkSpec::MobileNet(_) => {
                    return Err(absent("projection"));
                }
            }
        }
        if !self.channels.is_empty() {
            match &mut spec {
                NetworkSpec::Conv1d(sizes) => sizes.blocks = blocks_1d(&self.channels),
                NetworkSpec::Cnn(sizes) => sizes.blocks = blocks_2d(&self.channels),
                NetworkSpec::Crnn(sizes) => sizes.blocks = blocks_2d(&self.channels),
                NetworkSpec::Lstm(_) | NetworkSpec::Mobile(_) | NetworkSpec::MobileNet(_) => {
                    return Err(absent("channels"));
                }
            }
        }
        Ok(spec)
    }

    /// The window nearest to the one asked for that the network can have.
    ///
    /// # Errors
    /// [`Failure`] when lengths make no sense or the network cannot be built.
    pub fn window(
        &self,
        network: &NetworkSpec,
        front_end: &FrontEndSpec,
    ) -> Result<WindowSpec, Failure> {
        let frame = front_end.frame_hop_samples as f64 / f64::from(front_end.sample_rate_hz.hz());
        let first = front_end.fft_size as f64 / f64::from(front_end.sample_rate_hz.hz());
        for (option, given) in [("window", self.window), ("hop", self.hop)] {
            if given.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 60.0)) {
                let what = anyhow!("--{option} must be above 0 and at most 60 seconds");
                return Err(Failure::usage(what));
            }
        }
        let standard = self.kind().standard_window();
        let frames = self.window.map_or(standard.frames as f64, |it| 1.0 + (it - first) / frame);
        let hop = self.hop.map_or(standard.hop_frames as f64, |it| it / frame);
        // sizes first: what follows from them may be asked only when they are sound
        let sizes = network.check(front_end.mel_bands, WindowSpec::MAX_FRAMES, 1);
        if let Err(error @ (NetworkError::Size { .. } | NetworkError::BandsPooledAway { .. })) =
            sizes
        {
            return Err(Failure::usage(error));
        }
        let frames = network.frames_near(frames.round().max(1.0) as usize);
        let stride = network.time_stride() as f64;
        let hop_frames = ((hop / stride).round().max(1.0) * stride) as usize;
        let window = WindowSpec { frames, hop_frames };
        window.check().map_err(Failure::usage)?;
        network.check(front_end.mel_bands, frames, hop_frames).map_err(Failure::usage)?;
        if self.window.is_some() || self.hop.is_some() {
            log::info!(
                "windows of {:.3} s ({frames} frames), one every {:.3} s: the nearest that the network can have",
                first + (frames - 1) as f64 * frame,
                hop_frames as f64 * frame
            );
        }
        Ok(window)
    }
}

fn blocks_1d(channels: &[i64]) -> Vec<Conv1dBlockSpec> {
    let block = |(index, &channels): (usize, &i64)| Conv1dBlockSpec {
        channels,
        kernel: 3,
        time_pool: if index < TIME_POOLING_BLOCKS { 2 } else { 1 },
    };
    channels.iter().enumerate().map(block).collect()
}

fn blocks_2d(channels: &[i64]) -> Vec<ConvBlockSpec> {
    let block = |(index, &channels): (usize, &i64)| ConvBlockSpec {
        channels,
        time_pool: if index < TIME_POOLING_BLOCKS { 2 } else { 1 },
        band_pool: 2,
    };
    channels.iter().enumerate().map(block).collect()
}
