//! What tympan is timed at. Made and called by `tympan_side`, on its only thread, through the library's public parts.

use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tympan::domain::{MelWindow, Scores};
use tympan::features::{Arrival, Featuriser, FrontEnd, FrontEndSpec};
use tympan::model::{Model, NetworkScorer};
use tympan::recognition::Scorer;

/// Something that takes the next piece of the demo's sound with each call.
pub trait Job {
    /// Nanoseconds that the next call took; of jobs that make frames, nanoseconds a frame.
    fn call(&mut self) -> Result<f64, Box<dyn Error>>;

    /// Scores of every `every`-th window of the sound, or all its log-mel frames.
    fn answers(&mut self, every: usize) -> Result<Vec<f32>, Box<dyn Error>>;
}

fn nanoseconds_since(begun: Instant) -> f64 {
    begun.elapsed().as_nanos() as f64
}

/// Windows to scores, one window after the other.
pub struct ScoreJob {
    scorer: Box<dyn Scorer>,
    windows: Rc<[MelWindow]>,
    next: usize,
    scores: Scores,
}

impl ScoreJob {
    pub fn new(scorer: Box<dyn Scorer>, windows: &Rc<[MelWindow]>) -> Self {
        let scores = Scores::zeros(scorer.labels().len());
        Self { scorer, windows: Rc::clone(windows), next: 0, scores }
    }

    fn score(&mut self, index: usize) -> Result<(), Box<dyn Error>> {
        let window = std::slice::from_ref(black_box(&self.windows[index]));
        self.scorer.score_into(window, std::slice::from_mut(&mut self.scores))?;
        black_box(&self.scores);
        Ok(())
    }
}

impl Job for ScoreJob {
    fn call(&mut self) -> Result<f64, Box<dyn Error>> {
        if self.next == 0 {
            // no window is before it, so this is never a hop: not timed
            self.score(0)?;
            self.next = 1;
        }
        let begun = Instant::now();
        self.score(self.next)?;
        let took = nanoseconds_since(begun);
        self.next = (self.next + 1) % self.windows.len();
        Ok(took)
    }

    fn answers(&mut self, every: usize) -> Result<Vec<f32>, Box<dyn Error>> {
        let mut answers = Vec::new();
        for index in 0..self.windows.len() {
            self.score(index)?;
            if index.is_multiple_of(every) {
                answers.extend_from_slice(&self.scores.values);
            }
        }
        self.next = 0;
        Ok(answers)
    }
}

/// Samples to log-mel frames.
pub struct FramesJob {
    front_end: FrontEnd,
    sound: Rc<[f32]>,
    next: usize,
    samples_per_call: usize,
    continuity: Continuity,
    frames: Vec<f32>,
}

/// What one call of [`FramesJob`] is to the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continuity {
    /// Another piece of sound, on its own.
    Excerpts,
    /// The samples that follow.
    Stream,
}

impl FramesJob {
    /// Each call makes the frames of an excerpt of `samples`.
    pub fn of_excerpts(
        spec: &FrontEndSpec,
        sound: &Rc<[f32]>,
        samples: usize,
    ) -> Result<Self, Box<dyn Error>> {
        Self::new(spec, sound, samples, Continuity::Excerpts)
    }

    /// Each call makes the frames that the next `samples` of an endless sound complete.
    pub fn of_a_stream(
        spec: &FrontEndSpec,
        sound: &Rc<[f32]>,
        samples: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let mut job = Self::new(spec, sound, samples, Continuity::Stream)?;
        // so that the first call already completes as many frames as all others
        job.front_end.push(&sound[..spec.fft_size], &mut |_| {});
        Ok(job)
    }

    fn new(
        spec: &FrontEndSpec,
        sound: &Rc<[f32]>,
        samples_per_call: usize,
        continuity: Continuity,
    ) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            front_end: FrontEnd::new(spec, spec.sample_rate_hz)?,
            sound: Rc::clone(sound),
            next: 0,
            samples_per_call,
            continuity,
            frames: Vec::with_capacity(sound.len() / spec.frame_hop_samples * spec.mel_bands),
        })
    }

    /// Pushes samples and returns how many frames they made.
    fn push(&mut self, from: usize, samples: usize) -> usize {
        let Self { front_end, sound, frames, .. } = self;
        let mut made = 0;
        frames.clear();
        front_end.push(black_box(&sound[from..from + samples]), &mut |frame| {
            frames.extend_from_slice(frame.log_mel);
            made += 1;
        });
        black_box(frames);
        made
    }
}

impl Job for FramesJob {
    fn call(&mut self) -> Result<f64, Box<dyn Error>> {
        if self.next + self.samples_per_call > self.sound.len() {
            self.next = 0;
        }
        if self.continuity == Continuity::Excerpts {
            self.front_end.reset();
        }
        let begun = Instant::now();
        let made = self.push(self.next, self.samples_per_call);
        let took = nanoseconds_since(begun);
        self.next += self.samples_per_call;
        Ok(took / made as f64)
    }

    fn answers(&mut self, _every: usize) -> Result<Vec<f32>, Box<dyn Error>> {
        self.front_end.reset();
        self.push(0, self.sound.len());
        Ok(self.frames.clone())
    }
}

/// Samples to scores, as listening does it: the samples of one hop in, the scores of one window out.
pub struct PipelineJob {
    featuriser: Featuriser,
    scorer: NetworkScorer,
    sound: Rc<[f32]>,
    next: usize,
    hop_samples: usize,
    window_samples: usize,
    window: MelWindow,
    scores: Scores,
}

impl PipelineJob {
    pub fn new(model: &Arc<Model>, sound: &Rc<[f32]>) -> Result<Self, Box<dyn Error>> {
        let spec = model.featuriser_spec();
        let rate = spec.front_end.sample_rate_hz;
        let featuriser = Featuriser::new(&spec, rate)?;
        Ok(Self {
            window: featuriser.empty_window(),
            featuriser,
            scorer: NetworkScorer::new(model),
            sound: Rc::clone(sound),
            next: 0,
            hop_samples: spec.window.hop_frames * spec.front_end.frame_hop_samples,
            window_samples: usize::try_from(spec.window_samples(rate))?,
            scores: Scores::zeros(model.labels().len()),
        })
    }

    /// Takes the next `samples`, which complete one window, and scores it.
    fn capture(&mut self, samples: usize) -> Result<(), Box<dyn Error>> {
        let Self { featuriser, scorer, sound, next, window, scores, .. } = self;
        let mut made = 0;
        let captured = black_box(&sound[*next..*next + samples]);
        featuriser.push(captured, Arrival::now(), &mut |mut ready| {
            ready.copy_into(window);
            made += 1;
        });
        if made != 1 {
            return Err(format!("{samples} samples made {made} windows; expected one").into());
        }
        *next += samples;
        scorer.score_into(std::slice::from_ref(window), std::slice::from_mut(scores))?;
        black_box(scores);
        Ok(())
    }

    /// The sound's first window, after which every hop makes one.
    fn begin(&mut self) -> Result<(), Box<dyn Error>> {
        self.featuriser.skip(0);
        self.next = 0;
        self.capture(self.window_samples)
    }

    fn is_at_end(&self) -> bool {
        self.next + self.hop_samples > self.sound.len()
    }
}

impl Job for PipelineJob {
    fn call(&mut self) -> Result<f64, Box<dyn Error>> {
        if self.next == 0 || self.is_at_end() {
            // scored from scratch, which is no hop: not timed
            self.begin()?;
        }
        let begun = Instant::now();
        self.capture(self.hop_samples)?;
        Ok(nanoseconds_since(begun))
    }

    fn answers(&mut self, every: usize) -> Result<Vec<f32>, Box<dyn Error>> {
        self.begin()?;
        let mut answers = self.scores.values.clone();
        let mut index = 0;
        while !self.is_at_end() {
            self.capture(self.hop_samples)?;
            index += 1;
            if index % every == 0 {
                answers.extend_from_slice(&self.scores.values);
            }
        }
        Ok(answers)
    }
}
