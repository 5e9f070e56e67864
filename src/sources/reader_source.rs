//! A source that reads its samples, at real-time pace or as fast as the ring is drained.
//!
//! Fed by any [`SampleReader`]; feeds the sample ring; the reading and pushing runs on a thread `tympan-source`, the
//! rest on the supervisor's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Pushed, RingCloser, RunningSource, SampleProducer, Source, SourceError, SourceState};
use crate::domain::SampleRate;

/// Audio read at a time, as a microphone's callback would deliver it.
const BLOCK: Duration = Duration::from_millis(10);

/// A reader that is later than this (a pipe without data, a stopped process) begins a new schedule: catching up would
/// send a burst that overruns the ring.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// So much of a stream may come before its time: less than the windows that may wait for the classifier.
const MAX_LEAD: Duration = Duration::from_millis(250);

/// A stream may be faster than time by one part in so many: what a camera sends at once when it is asked comes up to the present
/// within seconds, and no two clocks differ by a hundredth of that.
const CLOCK_SHARE: u32 = 20;

/// How long dropping waits for the thread. It answers within a block, unless it hangs in a read that nothing can
/// interrupt (a silent pipe): then it is left behind and ends with the process.
const JOIN_TIMEOUT: Duration = Duration::from_millis(100);

/// How fast a reader is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One second a second, by an absolute schedule that does not drift. A full ring drops, as with a microphone.
    RealTime,
    /// As fast as the ring is drained. A full ring is waited for: nothing is lost.
    AsFastAsPossible,
    /// As it comes, from a stream that keeps time by a clock of its own: little before its time by ours, which is taken to be
    /// a little slow. A stream that floods waits; a full ring drops.
    AsItComes,
}

/// A source whose samples a [`SampleReader`] provides.
pub struct ReaderSource {
    reader: Box<dyn SampleReader>,
    pace: Pace,
    /// Samples after which it ends; none to end with the reader.
    most: Option<u64>,
}

impl ReaderSource {
    /// Wraps `reader`; nothing is read before [`Source::start`].
    pub fn new(reader: Box<dyn SampleReader>, pace: Pace) -> Self {
        Self { reader, pace, most: None }
    }

    /// The same, ended after so much of it.
    pub fn at_most(self, length: Duration) -> Self {
        let most = Some(self.reader.sample_rate().samples_in(length));
        Self { most, ..self }
    }
}

impl Source for ReaderSource {
    fn name(&self) -> &str {
        self.reader.name()
    }

    fn sample_rate(&self) -> SampleRate {
        self.reader.sample_rate()
    }

    fn start(
        self: Box<Self>,
        producer: SampleProducer,
    ) -> Result<Box<dyn RunningSource>, SourceError> {
        let name = self.reader.name().to_owned();
        let closer = producer.closer();
        let stop = Arc::new(AtomicBool::new(false));
        let stage = ReaderStage {
            reader: self.reader,
            pace: self.pace,
            left: self.most.unwrap_or(u64::MAX),
            producer,
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("tympan-source".to_owned())
            .spawn(move || stage.run())
            .map_err(|source| SourceError::Thread { name: name.clone(), source })?;
        Ok(Box::new(RunningReader {
            name,
            closer,
            stop,
            thread: Some(thread),
            last_state: LastState::Running,
        }))
    }
}

struct ReaderStage {
    reader: Box<dyn SampleReader>,
    pace: Pace,
    /// Samples until it ends.
    left: u64,
    producer: SampleProducer,
    stop: Arc<AtomicBool>,
}

impl ReaderStage {
    /// The thread's body. However it ends, the producer is dropped, which closes the ring.
    fn run(mut self) -> Result<(), SourceError> {
        let rate = self.reader.sample_rate();
        let block_samples = usize::try_from(rate.samples_in(BLOCK)).unwrap_or(1).max(1);
        let mut block = vec![0.0; block_samples];
        let mut schedule = Schedule::new(match self.pace {
            Pace::AsItComes => slightly_faster(rate),
            Pace::RealTime | Pace::AsFastAsPossible => rate,
        });
        // Relaxed: the flag guards no other memory.
        while !self.stop.load(Ordering::Relaxed) {
            let wanted = block.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let count = self.reader.read(&mut block[..wanted])?;
            self.left -= count as u64;
            self.producer.note_repaired(self.reader.take_repaired());
            if count == 0 {
                break;
            }
            match self.pace {
                Pace::RealTime => schedule.wait_for_end_of(count as u64, Duration::ZERO),
                Pace::AsItComes => schedule.wait_for_end_of(count as u64, MAX_LEAD),
                Pace::AsFastAsPossible => {}
            }
            if self.push(&block[..count]) == Pushed::Stopped {
                break;
            }
        }
        Ok(())
    }

    fn push(&mut self, block: &[f32]) -> Pushed {
        match self.pace {
            Pace::AsFastAsPossible => self.producer.push_waiting(block, Instant::now(), &self.stop),
            Pace::RealTime | Pace::AsItComes if self.producer.is_abandoned() => Pushed::Stopped,
            Pace::RealTime | Pace::AsItComes => {
                self.producer.push_block(block, Instant::now());
                Pushed::All
            }
        }
    }
}

/// When each sample is due, counted from one fixed instant.
struct Schedule {
    rate: SampleRate,
    begin: Instant,
    samples: u64,
}

impl Schedule {
    fn new(rate: SampleRate) -> Self {
        Self { rate, begin: Instant::now(), samples: 0 }
    }

    /// Sleeps until `lead` before the last of the next `count` samples would have arrived at a microphone.
    fn wait_for_end_of(&mut self, count: u64, lead: Duration) {
        let now = Instant::now();
        self.samples += count;
        let due = self.begin + self.rate.duration_of(self.samples);
        if now > due + MAX_LATENESS {
            log::debug!("the source is {:?} late: it begins a new schedule", now - due);
            (self.begin, self.samples) = (now, 0);
        } else if let Some(early) = due.checked_duration_since(now + lead) {
            std::thread::sleep(early);
        }
    }
}

fn slightly_faster(rate: SampleRate) -> SampleRate {
    let hz = rate.hz() + rate.hz().div_ceil(CLOCK_SHARE);
    SampleRate::new(hz).unwrap_or(rate)
}

/// What [`RunningSource::state`] reported last.
enum LastState {
    Running,
    Ended,
    Lost,
}

struct RunningReader {
    name: String,
    closer: RingCloser,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), SourceError>>>,
    last_state: LastState,
}

impl RunningSource for RunningReader {
    fn state(&mut self) -> SourceState {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let outcome = thread
                .join()
                .unwrap_or_else(|_panic| Err(SourceError::Panicked { name: self.name.clone() }));
            if let Err(error) = outcome {
                self.last_state = LastState::Lost;
                return SourceState::Lost(error);
            }
            self.last_state = LastState::Ended;
        }
        match self.last_state {
            LastState::Running => SourceState::Running,
            LastState::Ended => SourceState::Ended,
            LastState::Lost => {
                SourceState::Lost(SourceError::AlreadyLost { name: self.name.clone() })
            }
        }
    }
}

impl Drop for RunningReader {
    fn drop(&mut self) {
        // Relaxed: the flag guards no other memory.
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + JOIN_TIMEOUT;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        if thread.is_finished() {
            let _outcome = thread.join();
        } else {
            log::debug!("{} hangs in a read; its thread is left behind", self.name);
            self.closer.close();
        }
    }
}

/// A stream of mono samples that is read, not delivered.
///
/// ```
/// use tympan::sources::{Repeat, SampleReader, Soundscape};
///
/// let mut demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
/// let mut block = [0.0; 4_800];
/// let mut samples = 0;
/// while let read @ 1.. = demo.read(&mut block)? {
///     samples += read as u64;
/// }
/// assert!(demo.sample_rate().duration_of(samples).as_secs() > 10);
/// # Ok::<(), tympan::sources::SourceError>(())
/// ```
pub trait SampleReader: Send {
    /// Its name in records: `demo`, `stdin` or a file's path.
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
