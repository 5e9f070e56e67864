//! The model's input, and which input of the daemon it belongs to. Filled by the featuriser, scored by a scorer; its buffer
//! goes back and is filled again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;

use super::SampleIndex;

/// One featuriser's windows. What a scorer keeps between windows it keeps for each stream, so that no window is ever
/// scored with frames of another input.
///
/// The default is that of windows which no featuriser has filled yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamId(u64);

impl StreamId {
    /// An id that nobody in this process has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the ids have to differ, and nothing else depends on them
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A window of normalised log-mel frames and where it stands in the audio.
///
/// # Shapes
/// `values`: `[frames, mel_bands]`, row-major: the bands of one frame are neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct MelWindow {
    /// Normalised log-mel energies.
    pub values: Vec<f32>,
    /// The featuriser that made it.
    pub stream: StreamId,
    /// Counts the unbroken stretches of audio of the stream; frames of different segments are never neighbours.
    pub segment: u64,
    /// Index of the first frame within its segment, in frames of the front end.
    pub start_frame: u64,
    /// First sample of the window, at the source's rate. Where that is not the model's, the resampler's filter reaches
    /// 64 samples of the lower rate further, on both sides.
    pub start_sample: SampleIndex,
    /// One past the last sample of the window, at the source's rate.
    pub end_sample: SampleIndex,
    /// Root mean square of the window's samples over full scale, in dB; at least −120.
    pub level_dbfs: f32,
    /// When the window's last sample reached this process.
    pub arrival: Instant,
    /// The same moment on the wall clock.
    pub time: Timestamp,
}

impl MelWindow {
    /// A window with room for `frames` × `mel_bands` values, all zero, to be filled by the featuriser.
    pub fn zeros(frames: usize, mel_bands: usize) -> Self {
        Self {
            values: vec![0.0; frames * mel_bands],
            stream: StreamId::default(),
            segment: 0,
            start_frame: 0,
            start_sample: SampleIndex(0),
            end_sample: SampleIndex(0),
            level_dbfs: -120.0,
            arrival: Instant::now(),
            time: Timestamp::UNIX_EPOCH,
        }
    }
}
