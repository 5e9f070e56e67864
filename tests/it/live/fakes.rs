//! Fake ends of a pipeline: a source that follows a script, a scorer that distinguishes loud from quiet, sinks that collect,
//! block or are gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::Receiver;
use tympan::domain::{LabelSet, MelWindow, Published, SampleIndex, Scores, StreamId};
use tympan::recognition::{Scorer, ScorerError};
use tympan::sinks::{Sink, SinkError};
pub use tympan::testing::{
    CollectedRecords as Collected, ScriptEnd as End, ScriptStep as Step, ScriptedSource,
};

use super::{HOP, labels, rate};

/// A source at 16 kHz.
pub fn script(steps: impl Into<Vec<Step>>, end: End) -> ScriptedSource {
    ScriptedSource::new(rate(16_000), steps, end)
}

/// A source at 16 kHz that plays these samples.
pub fn script_of(samples: Vec<f32>, end: End) -> ScriptedSource {
    script([Step::Play(samples)], end)
}

/// Where a window stood, as a scorer gets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub stream: StreamId,
    pub segment: u64,
    pub start_frame: u64,
    pub start_sample: SampleIndex,
    pub end_sample: SampleIndex,
    /// Windows of the same call.
    pub together: usize,
}

/// What the scorer does with the windows that are no warm-up.
#[derive(Clone)]
pub enum Behaviour {
    Normal,
    /// Takes this long for each.
    Slow(Duration),
    /// Fails at the one with this number, counted from 0.
    FailsAt(u64),
    /// Panics there.
    PanicsAt(u64),
    /// Hangs there, or at the first after it that is not skipped, until the sender is dropped.
    HangsAt(u64, Receiver<()>),
}

/// Scores a window 0.9 as noise or as quiet, by its level, and remembers where it stood.
pub struct Loudness {
    labels: LabelSet,
    behaviour: Behaviour,
    scored: Arc<Mutex<Vec<Scored>>>,
}

impl Loudness {
    pub fn new(behaviour: Behaviour) -> Self {
        Self { labels: labels(), behaviour, scored: Arc::default() }
    }

    pub fn labelled(labels: LabelSet) -> Self {
        Self { labels, ..Self::well() }
    }

    pub fn well() -> Self {
        Self::new(Behaviour::Normal)
    }

    /// Everything it is given, warm-up included, as it comes.
    pub fn scored(&self) -> Arc<Mutex<Vec<Scored>>> {
        Arc::clone(&self.scored)
    }
}

impl Scorer for Loudness {
    fn labels(&self) -> &LabelSet {
        &self.labels
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        for (window, scores) in windows.iter().zip(scores) {
            let &MelWindow { stream, segment, start_frame, start_sample, end_sample, .. } = window;
            self.scored.lock().unwrap().push(Scored {
                stream,
                segment,
                start_frame,
                start_sample,
                end_sample,
                together: windows.len(),
            });
            let mean = window.values.iter().sum::<f32>() / window.values.len() as f32;
            scores.values.clear();
            scores.values.extend(if mean > -70.0 { [0.9, 0.1] } else { [0.1, 0.9] });
            if segment > u64::MAX / 2 {
                continue;
            }
            // by its place, for a scorer may be asked for a window again
            let number = start_sample.0 / HOP;
            match &self.behaviour {
                Behaviour::FailsAt(at) if *at == number => {
                    return Err(ScorerError("the weights have evaporated".into()));
                }
                Behaviour::PanicsAt(at) if *at == number => panic!("a bug, as the test asked for"),
                Behaviour::HangsAt(at, released) if *at <= number => {
                    let _ = released.recv();
                }
                Behaviour::Slow(pause) => std::thread::sleep(*pause),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A sink that fails at its `good + 1`-th record, in one way or the other.
pub struct FailingSink {
    pub good: usize,
    pub error: fn() -> SinkError,
}

impl Sink for FailingSink {
    fn name(&self) -> &str {
        "stdout"
    }

    fn write(&mut self, _: &Published) -> Result<(), SinkError> {
        match self.good.checked_sub(1) {
            Some(left) => {
                self.good = left;
                Ok(())
            }
            None => Err((self.error)()),
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
