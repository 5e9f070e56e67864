//! What can be wrong with a front end's description. Raised when one is built, most often from a bundle.

use crate::dsp::DspError;

/// A front end that cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A processing step refused its parameters.
    #[error(transparent)]
    Dsp(#[from] DspError),
    /// A log floor that is not a positive number.
    #[error("log_floor is {found}; it must be a positive power such as 1e-10")]
    LogFloor {
        /// As given.
        found: f32,
    },
    /// A revision of the front end that this version does not compute.
    #[error(
        "front end revision {found} is not known here; this version of tympan computes revision {known}"
    )]
    Revision {
        /// As given.
        found: u32,
        /// The revision this program computes.
        known: u32,
    },
    /// Mean and deviation that do not fit the bands.
    #[error(
        "the normaliser has {means} means and {deviations} deviations for {mel_bands} mel bands"
    )]
    NormaliserLength {
        /// How many means.
        means: usize,
        /// How many deviations.
        deviations: usize,
        /// How many bands.
        mel_bands: usize,
    },
    /// A deviation that cannot be divided by, or a mean that is not a number.
    #[error(
        "the normaliser of mel band {band} has mean {mean} and deviation {deviation}; both must be finite, the deviation positive"
    )]
    NormaliserValue {
        /// The band.
        band: usize,
        /// Its mean.
        mean: f32,
        /// Its deviation.
        deviation: f32,
    },
    /// A window without frames or with absurdly many, or a hop that would jump over frames.
    #[error(
        "a window of {frames} frames with a hop of {hop_frames}; both must be at least 1, the hop at most the window, and the window at most {} frames",
        super::WindowSpec::MAX_FRAMES
    )]
    Window {
        /// Frames of a window.
        frames: usize,
        /// Frames between two windows.
        hop_frames: usize,
    },
}
