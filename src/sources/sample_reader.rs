//! Anything that mono samples can be read from: file, standard input, soundscape. Read by the feeder's thread or offline.

use super::SourceError;
use crate::domain::SampleRate;

/// A stream of mono samples that is read, not delivered.
pub trait SampleReader: Send {
    /// What its records call it: `demo`, `stdin` or a file's path.
    fn name(&self) -> &str;

    /// The rate of its samples.
    fn sample_rate(&self) -> SampleRate;

    /// Fills the front of `block` and says how much of it; 0 is the end. May block (a pipe without a writer's data).
    ///
    /// # Errors
    /// [`SourceError`] when reading fails; what was read before stays valid.
    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError>;

    /// How many samples of single channels were no numbers and were left out of the mean, since the last call.
    fn take_repaired(&mut self) -> u64 {
        0
    }
}

/// Whether a reader starts over at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Ends at the end.
    #[default]
    Once,
    /// Begins again, without a pause, for ever.
    Forever,
}
