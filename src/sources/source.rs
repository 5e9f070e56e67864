//! What every source is: something with a name and a rate that fills the sample ring once started.

use super::{SampleProducer, SourceError};
use crate::domain::SampleRate;

/// A source of mono samples, opened but not yet delivering.
pub trait Source: Send {
    /// What its records call it: `mic`, `demo`, `stdin` or a file's path.
    fn name(&self) -> &str;

    /// What it is, in words, for people: device, rate, channels and format of a microphone.
    fn description(&self) -> String {
        self.name().to_owned()
    }

    /// The rate it delivers at.
    fn sample_rate(&self) -> SampleRate;

    /// Begins to fill the ring. Dropping what is returned stops it and closes the ring.
    ///
    /// # Errors
    /// [`SourceError`] when the device or file cannot be started.
    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError>;
}

/// A source that fills the ring until it is dropped. Owned by the supervisor.
pub trait RunningSource: Send {
    /// How it fares; cheap, asked several times a second.
    fn state(&mut self) -> SourceState;
}

/// How a running source fares.
#[derive(Debug)]
pub enum SourceState {
    /// Samples are being delivered.
    Running,
    /// All samples have been delivered, and the ring is closed.
    Ended,
    /// The source failed and will deliver no more.
    Lost(SourceError),
}
