//! What every source is: something with a name and a rate that fills the sample ring once started; and one that waits for its device.

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

/// Stands for a device until it can be opened.
pub struct Awaited {
    name: &'static str,
    sample_rate: SampleRate,
    absence: SourceError,
}

impl Awaited {
    /// A source called `name` that is absent, and why. Sample indices count at `sample_rate` until its own is known.
    pub fn new(name: &'static str, sample_rate: SampleRate, absence: SourceError) -> Self {
        Self { name, sample_rate, absence }
    }
}

impl Source for Awaited {
    fn name(&self) -> &str {
        self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    fn start(
        self: Box<Self>,
        _producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        Ok(Box::new(Absent { name: self.name, absence: Some(self.absence) }))
    }
}

struct Absent {
    name: &'static str,
    absence: Option<SourceError>,
}

impl RunningSource for Absent {
    fn state(&mut self) -> SourceState {
        let again = || SourceError::AlreadyLost { name: self.name.to_owned() };
        SourceState::Lost(self.absence.take().unwrap_or_else(again))
    }
}
