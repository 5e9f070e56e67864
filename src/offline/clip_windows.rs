//! The windows of a whole clip, in order and some at a time, from the live featuriser. Feeds the scan of clips and the evaluation.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::{Clip, MelWindow};
use crate::features::{Arrival, FeatureError, Featuriser, FeaturiserSpec, ReadyWindow};

/// What the feeder of a live source reads at a time; any other length gives the same windows.
const BLOCK: Duration = Duration::from_millis(10);

/// Windows at a time: what a network computes of them together costs a fraction of one after the other.
const BATCH: usize = 32;

/// What a clip came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipWindows {
    /// Windows there were.
    pub windows: u64,
    /// Samples of silence added at the end of a clip that is shorter than one window.
    pub padded_samples: u64,
    /// Samples that were not finite or absurdly large and counted as zero.
    pub samples_repaired: u64,
}

/// Calls `on_windows` with the windows of `clip`, up to 32 at a time, and with the samples of silence in them, until it
/// breaks off.
///
/// A clip that is shorter than one window gets silence at its end, just enough for one; one without samples has nothing
/// to be judged, and gives no window. Times are those of a clip that begins to play now.
///
/// # Errors
/// [`FeatureError`] when the front end cannot be computed at the clip's rate.
pub fn for_each_batch(
    clip: &Clip,
    spec: &FeaturiserSpec,
    on_windows: &mut dyn FnMut(&[MelWindow], u64) -> ControlFlow<()>,
) -> Result<ClipWindows, FeatureError> {
    let rate = clip.sample_rate;
    let mut featuriser = Featuriser::new(spec, rate)?;
    let heard = clip.samples.len() as u64;
    let padded_samples = match heard {
        0 => 0,
        _ => spec.window_samples(rate).saturating_sub(heard),
    };
    let mut batch: Vec<MelWindow> = Vec::with_capacity(BATCH);
    let (mut waiting, mut windows) = (0, 0);
    let mut flow = ControlFlow::Continue(());
    let empty = featuriser.empty_window();
    let mut take = |mut ready: ReadyWindow<'_>| {
        if flow.is_continue() {
            if batch.len() == waiting {
                batch.push(empty.clone());
            }
            ready.copy_into(&mut batch[waiting]);
            (waiting, windows) = (waiting + 1, windows + 1);
            if waiting == BATCH {
                flow = on_windows(&batch, padded_samples);
                waiting = 0;
            }
        }
    };
    let begin = Timestamp::now();
    let block_samples = usize::try_from(rate.samples_in(BLOCK)).unwrap_or(1).max(1);
    let silence = vec![0.0; usize::try_from(padded_samples).unwrap_or(0)];
    for part in [&clip.samples, &silence] {
        for block in part.chunks(block_samples) {
            let end = featuriser.end() + block.len() as u64;
            featuriser.push(block, arrival_at(begin, rate.duration_of(end.0)), &mut take);
        }
    }
    featuriser.flush(&mut take);
    if flow.is_continue() && waiting > 0 {
        // nothing follows that could break off
        let _ = on_windows(&batch[..waiting], padded_samples);
    }
    Ok(ClipWindows { windows, padded_samples, samples_repaired: featuriser.samples_repaired() })
}

fn arrival_at(begin: Timestamp, played: Duration) -> Arrival {
    Arrival { instant: Instant::now(), time: begin.saturating_add(played).unwrap_or(begin) }
}
