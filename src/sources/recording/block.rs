//! What the readers of containers have in common: they decode block after block, and say what was lost and what was odd.
//! Made by them, consumed by the reader of recordings.

use std::io;

use symphonia::core::audio::GenericAudioBufferRef;

/// Decodes a recording from its beginning to its end.
pub(in crate::sources) trait Decode: Send {
    /// Replaces `block` by what comes next; false at the end, where `block` holds notes at most.
    ///
    /// # Errors
    /// [`Fault`] when the rest cannot be read.
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault>;

    /// Whether its samples are floats as somebody wrote them, of whatever scale.
    fn has_floats(&self) -> bool {
        false
    }
}

/// Why a recording, or its rest, cannot be read.
#[derive(Debug)]
pub(in crate::sources) enum Fault {
    /// The file system, or the pipe.
    Io(io::Error),
    /// What it holds is not read, in words.
    Refused(String),
}

impl Fault {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Some of a recording's sound. Rate and channels may be others than those of the block before.
///
/// # Shapes
/// `samples`: `[frames, channels]`, row-major, where a frame is one sample of every channel.
#[derive(Debug, Default)]
pub(in crate::sources) struct Block {
    pub(in crate::sources) rate_hz: u32,
    pub(in crate::sources) channels: usize,
    pub(in crate::sources) samples: Vec<f32>,
    /// What was lost before these samples, in samples of one channel.
    pub(in crate::sources) lost: u64,
    /// What to report, at the end of what was lost.
    pub(in crate::sources) notes: Vec<Note>,
}

/// Something about a recording that its reader has to report.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sources) enum Note {
    /// Bytes that cannot be decoded; what they held is the block's `lost`.
    Damage {
        /// How many bytes.
        bytes: u64,
        /// What is wrong with them.
        reason: String,
    },
    /// Another file begins in this one.
    Joined,
    /// Anything else, in words that follow the file's name.
    Odd(String),
}

impl Block {
    /// Empties it.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.notes.clear();
        self.lost = 0;
    }

    /// Samples of one channel.
    pub(in crate::sources) fn frames(&self) -> usize {
        self.samples.len() / self.channels.max(1)
    }

    /// Takes what the library has decoded.
    pub(super) fn take(&mut self, audio: &GenericAudioBufferRef<'_>) {
        self.rate_hz = audio.spec().rate();
        self.channels = audio.spec().channels().count().max(1);
        audio.copy_to_vec_interleaved(&mut self.samples);
    }

    /// Leaves out the first `frames`.
    pub(super) fn cut_start(&mut self, frames: u64) {
        let samples = usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(self.channels);
        self.samples.drain(..samples.min(self.samples.len()));
    }

    /// Keeps the first `frames`.
    pub(super) fn cut_end(&mut self, frames: u64) {
        let samples = usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(self.channels);
        self.samples.truncate(samples);
    }
}
