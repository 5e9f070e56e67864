//! A whole clip through the live path: its windows, in order and some at a time, from the featuriser, which of them carry the
//! clip's label, and the scan that gives their records. Fed clips by `classify`, the training and the evaluation; runs wherever
//! it is called.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::{Clip, MelWindow, Published, Record, SampleRate};
use crate::dsp::FLOOR_DBFS;
use crate::features::{Arrival, FeatureError, Featuriser, FeaturiserSpec, ReadyWindow};
use crate::recognition::{Recogniser, ScorerError};
use crate::sources::{SampleReader, SourceError};

/// What a live source reads at a time; any other length gives the same windows.
const BLOCK: Duration = Duration::from_millis(10);

/// Windows at a time: what a network computes of them together costs a fraction of one after the other.
const BATCH: usize = 32;

/// What a clip came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipWindows {
    /// Windows there were.
    pub windows: u64,
    /// Samples of the clip.
    pub samples: u64,
    /// Samples of silence added at the end of a clip that is shorter than one window.
    pub padded_samples: u64,
    /// Samples that were not finite or absurdly large and counted as zero.
    pub samples_repaired: u64,
}

/// Calls `on_windows` with the windows of `clip`, up to 32 at a time, and with the samples of silence in them, until it
/// breaks off.
///
/// A clip that is shorter than one window gets silence at its end, just enough for one; one without samples has nothing
/// to score, and gives no window. Times are those of a clip that begins to play now.
///
/// # Errors
/// [`FeatureError`] when the front end cannot be computed at the clip's rate.
pub fn for_each_batch(
    clip: &Clip,
    spec: &FeaturiserSpec,
    on_windows: &mut dyn FnMut(&[MelWindow], u64) -> ControlFlow<()>,
) -> Result<ClipWindows, FeatureError> {
    for_each_batch_read(clip.sample_rate, &mut samples_of(clip), spec, on_windows)
}

/// As [`for_each_batch`], of what `read` puts into the front of each block that it is given, until it puts nothing there.
fn for_each_batch_read<E: From<FeatureError>>(
    rate: SampleRate,
    read: &mut dyn FnMut(&mut [f32]) -> Result<usize, E>,
    spec: &FeaturiserSpec,
    on_windows: &mut dyn FnMut(&[MelWindow], u64) -> ControlFlow<()>,
) -> Result<ClipWindows, E> {
    let mut featuriser = Featuriser::new(spec, rate)?;
    let mut batch: Vec<MelWindow> = Vec::with_capacity(BATCH);
    let (mut waiting, mut windows) = (0, 0);
    let mut flow = ControlFlow::Continue(());
    let empty = featuriser.empty_window();
    let mut take = |mut ready: ReadyWindow<'_>, flow: &mut ControlFlow<()>, padded_samples| {
        if flow.is_continue() {
            if batch.len() == waiting {
                batch.push(empty.clone());
            }
            ready.copy_into(&mut batch[waiting]);
            (waiting, windows) = (waiting + 1, windows + 1);
            if waiting == BATCH {
                *flow = on_windows(&batch, padded_samples);
                waiting = 0;
            }
        }
    };
    let begin = Timestamp::now();
    let mut block = vec![0.0; usize::try_from(rate.samples_in(BLOCK)).unwrap_or(1).max(1)];
    let (mut failure, mut samples) = (None, 0);
    while flow.is_continue() {
        let count = match read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        samples += count as u64;
        let arrival = arrival_at(begin, rate.duration_of(samples));
        // no window is complete before there is enough for one, so none of these has silence in it
        featuriser.push(&block[..count], arrival, &mut |ready| take(ready, &mut flow, 0));
    }
    let padded_samples = match samples {
        0 => 0,
        samples => spec.window_samples(rate).saturating_sub(samples),
    };
    let silence = vec![0.0; usize::try_from(padded_samples).unwrap_or(0)];
    let mut last = |ready: ReadyWindow<'_>| take(ready, &mut flow, padded_samples);
    for block in silence.chunks(block.len()) {
        let end = featuriser.end() + block.len() as u64;
        featuriser.push(block, arrival_at(begin, rate.duration_of(end.0)), &mut last);
    }
    featuriser.flush(&mut last);
    if flow.is_continue() && waiting > 0 {
        // nothing follows that could break off
        let _ = on_windows(&batch[..waiting], padded_samples);
    }
    let samples_repaired = featuriser.samples_repaired();
    match failure {
        Some(error) => Err(error),
        None => Ok(ClipWindows { windows, samples, padded_samples, samples_repaired }),
    }
}

/// Reads a clip piece by piece.
fn samples_of<E>(clip: &Clip) -> impl FnMut(&mut [f32]) -> Result<usize, E> {
    let mut left = &clip.samples[..];
    move |block| {
        let (now, later) = left.split_at(block.len().min(left.len()));
        block[..now.len()].copy_from_slice(now);
        left = later;
        Ok(now.len())
    }
}

fn arrival_at(begin: Timestamp, played: Duration) -> Arrival {
    Arrival { instant: Instant::now(), time: begin.saturating_add(played).unwrap_or(begin) }
}

/// A window this much quieter than its clip's loudest does not carry the clip's label: a tenth of a sound's energy is its
/// edge.
const EDGE_DB: f32 = 10.0;

/// Nor does one below this: published clips are padded with silence.
const SILENCE_DBFS: f32 = -70.0;

/// Which windows of a clip carry its label: those within 10 dB of its loudest and not below −70 dBFS; all of them where
/// the whole clip is as silent as that. At least the loudest does.
///
/// # Shapes
/// `levels_dbfs` and the answer: `[windows]`.
///
/// # Units
/// Mean power of each window, in decibels of full scale.
pub fn labelled_windows(levels_dbfs: &[f32]) -> Vec<bool> {
    let loudest = levels_dbfs.iter().copied().fold(FLOOR_DBFS, f32::max);
    let enough = if loudest < SILENCE_DBFS {
        f32::NEG_INFINITY
    } else {
        (loudest - EDGE_DB).max(SILENCE_DBFS)
    };
    levels_dbfs.iter().map(|&level| level >= enough).collect()
}

/// A clip that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The front end cannot be computed at the clip's rate.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The network failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// The recording cannot be read, or its rest cannot.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Scans clips, one after the other, with one scorer.
pub struct ClipScanner {
    featuriser: FeaturiserSpec,
    recogniser: Recogniser,
}

impl ClipScanner {
    /// Scans with `recogniser`, whose source and rate are those of each clip in turn.
    pub fn new(featuriser: FeaturiserSpec, recogniser: Recogniser) -> Self {
        Self { featuriser, recogniser }
    }

    /// Emits the records of `clip`: the same as a live source that plays it would give, but for times and
    /// latency. Ids of events go on from clip to clip.
    ///
    /// A clip that is shorter than one window gets silence at its end, just enough for one, and the window's record
    /// says how much. (The live path never pads: it says that nothing was scored.) A clip without samples has nothing
    /// to score, and gives no record.
    ///
    /// # Errors
    /// [`ScanError`] when the clip's rate cannot be resampled or the scorer fails; open events have ended then.
    pub fn scan(
        &mut self,
        clip: &Clip,
        source: Arc<str>,
        emit: &mut dyn FnMut(Record),
    ) -> Result<ClipWindows, ScanError> {
        self.scan_blocks(clip.sample_rate, &mut samples_of(clip), source, emit)
    }

    /// As [`Self::scan`], of a recording that is read piece by piece, of any length; while `goes_on` says so.
    ///
    /// # Errors
    /// As [`Self::scan`], and [`ScanError::Source`]. What was read before has had its records then.
    pub fn scan_reader(
        &mut self,
        reader: &mut dyn SampleReader,
        goes_on: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Record),
    ) -> Result<ClipWindows, ScanError> {
        let (rate, source) = (reader.sample_rate(), reader.name().into());
        let mut read = |block: &mut [f32]| Ok(if goes_on() { reader.read(block)? } else { 0 });
        self.scan_blocks(rate, &mut read, source, emit)
    }

    fn scan_blocks(
        &mut self,
        rate: SampleRate,
        read: &mut dyn FnMut(&mut [f32]) -> Result<usize, ScanError>,
        source: Arc<str>,
        emit: &mut dyn FnMut(Record),
    ) -> Result<ClipWindows, ScanError> {
        let Self { featuriser, recogniser } = self;
        let emit = &mut |published: Published| emit(published.into());
        recogniser.set_source(source, rate, emit);
        let mut failure = None;
        let scanned =
            for_each_batch_read(rate, read, featuriser, &mut |windows, padded_samples| {
                let pushed = recogniser.push_batch(windows, &mut |mut published| {
                    if let Record::Window(window) = &mut published.record {
                        window.padded_samples = padded_samples;
                    }
                    emit(published);
                });
                match pushed {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failure = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
        recogniser.finish(emit);
        match failure {
            Some(error) => Err(error.into()),
            None => scanned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_the_edges_of_a_sound_carry_no_label() {
        let levels = [-120.0, -31.0, -30.0, -20.0, -29.0, -50.0];
        assert_eq!(labelled_windows(&levels), [false, false, true, true, true, false]);
        assert_eq!(labelled_windows(&[-65.0, -70.0, -71.0]), [true, true, false]);
    }

    #[test]
    fn all_windows_of_a_silent_clip_carry_its_label() {
        assert_eq!(labelled_windows(&[-120.0, -90.0, -75.0]), [true; 3]);
        assert!(labelled_windows(&[]).is_empty());
    }
}
