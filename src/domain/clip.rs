//! A whole recording in memory, mono. Made by the file reader, consumed by the offline scan and the training set.

use super::SampleRate;

/// A recording, downmixed to one channel, at its own rate.
///
/// # Shapes
/// `samples`: `[samples]`.
///
/// # Units
/// Full scale is ±1.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// The rate the samples were recorded at.
    pub sample_rate: SampleRate,
    /// The samples in order.
    pub samples: Vec<f32>,
}
