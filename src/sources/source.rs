//! The traits of every source: a name and a rate, and once started it fills the sample ring. And a source whose device is
//! not there yet. Opened, started and polled by the supervisor.

use super::{SampleProducer, SourceError};
use crate::domain::SampleRate;

/// A source of mono samples, opened but not yet delivering.
pub trait Source: Send {
    /// Its name in records: `mic`, `demo`, `stdin` or a file's path.
    fn name(&self) -> &str;

    /// A description for people: device, rate, channels and format of a microphone.
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
    /// Its state; cheap, polled several times a second.
    fn state(&mut self) -> SourceState;

    /// Begins what dropping it waits for, without waiting: of several sources that end at once, each then takes its time beside
    /// the others.
    fn begin_stop(&mut self) {}
}

/// The state of a running source.
#[derive(Debug)]
pub enum SourceState {
    /// Samples are being delivered.
    Running,
    /// All samples have been delivered, and the ring is closed.
    Ended,
    /// The source failed and will deliver no more.
    Lost(SourceError),
}

/// Stands for a device until it can be opened: once started, it reports itself lost.
pub struct UnavailableSource {
    name: &'static str,
    sample_rate: SampleRate,
    /// Taken by the first report of it.
    cause: Option<SourceError>,
}

impl UnavailableSource {
    /// A source called `name` that is unavailable because of `cause`. Sample indices count at `sample_rate` until the
    /// device's own is known.
    pub fn new(name: &'static str, sample_rate: SampleRate, cause: SourceError) -> Self {
        Self { name, sample_rate, cause: Some(cause) }
    }
}

impl Source for UnavailableSource {
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
        Ok(self)
    }
}

impl RunningSource for UnavailableSource {
    fn state(&mut self) -> SourceState {
        let already_lost = || SourceError::AlreadyLost { name: self.name.to_owned() };
        SourceState::Lost(self.cause.take().unwrap_or_else(already_lost))
    }
}
