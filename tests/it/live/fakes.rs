//! Fake ends of a pipeline: a source that follows a script, a scorer that distinguishes loud from quiet, sinks that collect,
//! block or are gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use tympan::domain::{
    LabelSet, MelWindow, Published, Record, SampleIndex, SampleRate, Scores, StreamId,
};
use tympan::recognition::{Scorer, ScorerError};
use tympan::sinks::{Sink, SinkError};
use tympan::sources::{Pushed, RunningSource, SampleProducer, Source, SourceError, SourceState};

use super::{HOP, labels, rate};

/// What a scripted source does, step by step.
pub enum Step {
    Play(Vec<f32>),
    DriverGap(u64),
}

/// What it does after the last step.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
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

/// A source that plays its steps as fast as they are taken, then does as `end` says.
pub struct Script {
    pub steps: Vec<Step>,
    pub end: End,
    pub rate: SampleRate,
    /// Called when it is started.
    pub on_start: Box<dyn FnOnce() + Send>,
}

impl Script {
    pub fn new(steps: impl Into<Vec<Step>>, end: End) -> Self {
        Self { steps: steps.into(), end, rate: rate(16_000), on_start: Box::new(|| ()) }
    }

    pub fn of(samples: Vec<f32>, end: End) -> Self {
        Self::new([Step::Play(samples)], end)
    }
}

impl Source for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        mut producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let Self { steps, end, on_start, .. } = *self;
        on_start();
        if end == End::NeverStarts {
            return Err(unplugged());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let player = std::thread::spawn(move || {
            for step in steps {
                match step {
                    Step::DriverGap(samples) => producer.note_driver_gap(samples, Instant::now()),
                    Step::Play(samples) => {
                        for block in samples.chunks(160) {
                            if producer.push_waiting(block, Instant::now(), &stopped)
                                == Pushed::Stopped
                            {
                                break;
                            }
                        }
                    }
                }
            }
            // kept open by whoever holds it
            (end == End::Stays).then_some(producer)
        });
        while end == End::LostAtOnce && !player.is_finished() {
            std::thread::yield_now();
        }
        Ok(Box::new(Playing { player: Some(player), kept: None, end, stop }))
    }
}

struct Playing {
    player: Option<std::thread::JoinHandle<Option<SampleProducer>>>,
    kept: Option<SampleProducer>,
    end: End,
    stop: Arc<AtomicBool>,
}

impl RunningSource for Playing {
    fn state(&mut self) -> SourceState {
        if let Some(player) = self.player.take_if(|player| player.is_finished()) {
            self.kept = player.join().unwrap();
        }
        match self.end {
            _ if self.player.is_some() => SourceState::Running,
            End::Ended => SourceState::Ended,
            End::Lost | End::LostAtOnce => SourceState::Lost(unplugged()),
            End::Stays | End::NeverStarts => SourceState::Running,
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        // SeqCst: a test wants no subtlety
        self.stop.store(true, Ordering::SeqCst);
        if let Some(player) = self.player.take() {
            player.join().unwrap();
        }
    }
}

fn unplugged() -> SourceError {
    SourceError::DeviceLost { device: "script".to_owned(), reason: "unplugged".to_owned() }
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
pub enum Mood {
    Well,
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
    mood: Mood,
    scored: Arc<Mutex<Vec<Scored>>>,
}

impl Loudness {
    pub fn new(mood: Mood) -> Self {
        Self { labels: labels(), mood, scored: Arc::default() }
    }

    pub fn labelled(labels: LabelSet) -> Self {
        Self { labels, ..Self::well() }
    }

    pub fn well() -> Self {
        Self::new(Mood::Well)
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
            scores.0.clear();
            scores.0.extend(if mean > -70.0 { [0.9, 0.1] } else { [0.1, 0.9] });
            if segment > u64::MAX / 2 {
                continue;
            }
            // by its place, for a scorer may be asked for a window again
            let number = start_sample.0 / HOP;
            match &self.mood {
                Mood::FailsAt(at) if *at == number => {
                    return Err(ScorerError("the weights have evaporated".into()));
                }
                Mood::PanicsAt(at) if *at == number => panic!("a bug, as the test asked for"),
                Mood::HangsAt(at, released) if *at <= number => {
                    let _ = released.recv();
                }
                Mood::Slow(pause) => std::thread::sleep(*pause),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a sink got.
#[derive(Clone, Default)]
pub struct Collected(Arc<Mutex<Vec<Record>>>);

impl Collected {
    pub fn sink(&self, name: &str) -> Box<dyn Sink> {
        Box::new(FakeSink { name: name.to_owned(), collected: self.clone(), gate: None })
    }

    /// A sink that blocks at its first record until the sender is dropped.
    pub fn blocked_sink(&self, name: &str) -> (Box<dyn Sink>, Sender<()>) {
        let (open, gate) = bounded(0);
        let collected = self.clone();
        (Box::new(FakeSink { name: name.to_owned(), collected, gate: Some(gate) }), open)
    }

    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap().clone()
    }
}

struct FakeSink {
    name: String,
    collected: Collected,
    gate: Option<Receiver<()>>,
}

impl Sink for FakeSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        self.collected.0.lock().unwrap().push(published.record.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
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
