//! A device that is not there at the start: a source that is lost from the beginning, and waited for as any lost one.

use super::{RunningSource, SampleProducer, Source, SourceError, SourceState};
use crate::domain::SampleRate;

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
