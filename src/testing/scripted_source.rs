//! A source that follows a script: audio, gaps and losses exactly where a test wants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::domain::SampleRate;
use crate::sources::{Pushed, RunningSource, SampleProducer, Source, SourceError, SourceState};

/// Samples handed over at a time.
const BLOCK_SAMPLES: usize = 160;

/// What a scripted source does, step by step.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptStep {
    /// It delivers these samples.
    Play(Vec<f32>),
    /// Its driver loses so many samples.
    DriverGap(u64),
}

/// What a scripted source does after its last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEnd {
    /// It ends.
    Ended,
    /// It is unplugged.
    Lost,
    /// It is unplugged before anybody has looked at it; what it played until then has to fit into the ring.
    LostAtOnce,
    /// It delivers nothing more, and stays.
    Stays,
    /// It cannot even be started.
    NeverStarts,
}

/// Plays its steps as fast as they are taken, then does as its end says.
///
/// ```
/// use tympan::domain::SampleRate;
/// use tympan::sources::Source;
/// use tympan::testing::{ScriptEnd, ScriptStep, ScriptedSource};
///
/// let steps = [
///     ScriptStep::Play(vec![0.1; 16_000]),
///     ScriptStep::DriverGap(800),
///     ScriptStep::Play(vec![0.2; 16_000]),
/// ];
/// let source = ScriptedSource::new(SampleRate::new(16_000)?, steps, ScriptEnd::Lost);
/// assert_eq!(source.name(), "script");
/// # Ok::<(), tympan::domain::DomainError>(())
/// ```
pub struct ScriptedSource {
    /// Its name in every record.
    pub name: String,
    /// The rate that its samples count at.
    pub rate: SampleRate,
    /// What it does.
    pub steps: Vec<ScriptStep>,
    /// What it does then.
    pub end: ScriptEnd,
    /// Called when it is started.
    pub on_start: Box<dyn FnOnce() + Send>,
}

impl ScriptedSource {
    /// A source with the name `script`.
    pub fn new(rate: SampleRate, steps: impl Into<Vec<ScriptStep>>, end: ScriptEnd) -> Self {
        let (name, on_start) = ("script".to_owned(), Box::new(|| ()));
        Self { name, rate, steps: steps.into(), end, on_start }
    }
}

impl Source for ScriptedSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let Self { steps, end, on_start, .. } = *self;
        on_start();
        if end == ScriptEnd::NeverStarts {
            return Err(unplugged());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let player = thread::Builder::new()
            .name("tympan-script".to_owned())
            .spawn(move || play(steps, end, producer, &stopped))
            .map_err(|error| SourceError::DeviceLost {
                device: "script".to_owned(),
                reason: error.to_string(),
            })?;
        while end == ScriptEnd::LostAtOnce && !player.is_finished() {
            thread::yield_now();
        }
        Ok(Box::new(RunningScript { player: Some(player), kept: None, end, stop }))
    }
}

/// Gives the producer back where the source stays: the ring is open as long as somebody holds it.
fn play(
    steps: Vec<ScriptStep>,
    end: ScriptEnd,
    mut producer: SampleProducer,
    stopped: &AtomicBool,
) -> Option<SampleProducer> {
    for step in steps {
        match step {
            ScriptStep::DriverGap(samples) => producer.note_driver_gap(samples, Instant::now()),
            ScriptStep::Play(samples) => {
                for block in samples.chunks(BLOCK_SAMPLES) {
                    if producer.push_waiting(block, Instant::now(), stopped) == Pushed::Stopped {
                        break;
                    }
                }
            }
        }
    }
    (end == ScriptEnd::Stays).then_some(producer)
}

struct RunningScript {
    player: Option<JoinHandle<Option<SampleProducer>>>,
    kept: Option<SampleProducer>,
    end: ScriptEnd,
    stop: Arc<AtomicBool>,
}

impl RunningSource for RunningScript {
    fn state(&mut self) -> SourceState {
        if let Some(player) = self.player.take_if(|player| player.is_finished()) {
            self.kept = player.join().expect("invariant: a script does not panic");
        }
        match self.end {
            _ if self.player.is_some() => SourceState::Running,
            ScriptEnd::Ended => SourceState::Ended,
            ScriptEnd::Lost | ScriptEnd::LostAtOnce => SourceState::Lost(unplugged()),
            ScriptEnd::Stays | ScriptEnd::NeverStarts => SourceState::Running,
        }
    }
}

impl Drop for RunningScript {
    fn drop(&mut self) {
        // Relaxed: the flag guards nothing but itself
        self.stop.store(true, Ordering::Relaxed);
        if let Some(player) = self.player.take() {
            // a panic has shown itself in the test already
            let _ = player.join();
        }
    }
}

fn unplugged() -> SourceError {
    SourceError::DeviceLost { device: "script".to_owned(), reason: "unplugged".to_owned() }
}
