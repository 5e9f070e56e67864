//! A whole clip through the featuriser and the recogniser of the live path. Fed clips by `classify` and the evaluation,
//! gives them records; runs wherever it is called.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::{Clip, MelWindow, Record, WindowRecord};
use crate::features::{Arrival, FeatureError, Featuriser, FeaturiserSpec, ReadyWindow};
use crate::recognition::{Recogniser, ScorerError};

/// What the feeder of a live source reads at a time; any other length gives the same windows.
const BLOCK: Duration = Duration::from_millis(10);

/// A clip that cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The front end cannot be computed at the clip's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
}

/// What a scan came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// Windows scored.
    pub windows: u64,
    /// Samples of silence added at the end of a clip that is shorter than one window.
    pub padded_samples: u64,
    /// Samples that were not finite or absurdly large and counted as zero.
    pub samples_repaired: u64,
}

/// Scans clips, one after the other, with one scorer.
pub struct ClipScanner {
    featuriser: FeaturiserSpec,
    recogniser: Recogniser,
    /// Segments of the clips so far: a scorer that keeps what it computed must never take one clip for another.
    segments: u64,
}

impl ClipScanner {
    /// Scans with `recogniser`, whose source and rate are those of each clip in turn.
    pub fn new(featuriser: FeaturiserSpec, recogniser: Recogniser) -> Self {
        Self { featuriser, recogniser, segments: 0 }
    }

    /// Says in records what is heard in `clip`: the same as a live source that plays it would give, but for times and
    /// latency. Ids of events go on from clip to clip.
    ///
    /// A clip that is shorter than one window gets silence at its end, just enough for one, and the window's record
    /// says how much. (The live path never pads: it says that nothing was scored.) A clip without samples has nothing
    /// to be judged, and gives no record.
    ///
    /// Times are those of a clip that begins to play now.
    ///
    /// # Errors
    /// [`ScanError`] when the clip's rate cannot be resampled or the scorer fails; open events have ended then.
    pub fn scan(
        &mut self,
        clip: &Clip,
        source: Arc<str>,
        emit: &mut dyn FnMut(Record),
    ) -> Result<Scan, ScanError> {
        let rate = clip.sample_rate;
        let mut featuriser = Featuriser::new(&self.featuriser, rate)?;
        self.recogniser.set_source(source, rate, emit);
        let heard = clip.samples.len() as u64;
        let padded_samples = match heard {
            0 => 0,
            _ => self.featuriser.window_samples(rate).saturating_sub(heard),
        };
        let mut stretch = Stretch {
            recogniser: &mut self.recogniser,
            window: featuriser.empty_window(),
            segment: self.segments,
            padded_samples,
            windows: 0,
            failure: None,
            emit,
        };
        self.segments += 1;
        let begin = Timestamp::now();
        let block_samples = usize::try_from(rate.samples_in(BLOCK)).unwrap_or(1).max(1);
        let silence = vec![0.0; usize::try_from(padded_samples).unwrap_or(0)];
        for part in [&clip.samples, &silence] {
            for block in part.chunks(block_samples) {
                let end = featuriser.end() + block.len() as u64;
                let arrival = arrival_at(begin, rate.duration_of(end.0));
                featuriser.push(block, arrival, &mut |ready| stretch.hear(ready));
                if let Some(error) = stretch.failure.take() {
                    stretch.recogniser.finish(stretch.emit);
                    return Err(error.into());
                }
            }
        }
        featuriser.flush(&mut |ready| stretch.hear(ready));
        stretch.recogniser.finish(stretch.emit);
        let samples_repaired = featuriser.samples_repaired();
        match stretch.failure {
            Some(error) => Err(error.into()),
            None => Ok(Scan { windows: stretch.windows, padded_samples, samples_repaired }),
        }
    }
}

/// The windows of one clip on their way to the recogniser.
struct Stretch<'a> {
    recogniser: &'a mut Recogniser,
    window: MelWindow,
    segment: u64,
    padded_samples: u64,
    windows: u64,
    failure: Option<ScorerError>,
    emit: &'a mut dyn FnMut(Record),
}

impl Stretch<'_> {
    fn hear(&mut self, mut ready: ReadyWindow<'_>) {
        if self.failure.is_some() {
            return;
        }
        ready.copy_into(&mut self.window);
        self.window.segment = self.segment;
        let (padded_samples, emit) = (self.padded_samples, &mut self.emit);
        let told = self.recogniser.push(&self.window, &mut |record| {
            emit(match record {
                Record::Window(window) => Record::Window(WindowRecord { padded_samples, ..window }),
                other => other,
            });
        });
        match told {
            Ok(()) => self.windows += 1,
            Err(error) => self.failure = Some(error),
        }
    }
}

fn arrival_at(begin: Timestamp, played: Duration) -> Arrival {
    Arrival { instant: Instant::now(), time: begin.saturating_add(played).unwrap_or(begin) }
}
