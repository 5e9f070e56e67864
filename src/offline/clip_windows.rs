//! The windows of a whole clip, in order, from the live featuriser. Feeds the scan of clips and the evaluation.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::{Clip, MelWindow};
use crate::features::{Arrival, FeatureError, Featuriser, FeaturiserSpec, ReadyWindow};

/// What the feeder of a live source reads at a time; any other length gives the same windows.
const BLOCK: Duration = Duration::from_millis(10);

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

/// Calls `on_window` with every window of `clip`, and with the samples of silence in it, until it breaks off.
///
/// A clip that is shorter than one window gets silence at its end, just enough for one; one without samples has nothing
/// to be judged, and gives no window. Times are those of a clip that begins to play now.
///
/// # Errors
/// [`FeatureError`] when the front end cannot be computed at the clip's rate.
pub fn for_each_window(
    clip: &Clip,
    spec: &FeaturiserSpec,
    on_window: &mut dyn FnMut(&mut MelWindow, u64) -> ControlFlow<()>,
) -> Result<ClipWindows, FeatureError> {
    let rate = clip.sample_rate;
    let mut featuriser = Featuriser::new(spec, rate)?;
    let heard = clip.samples.len() as u64;
    let padded_samples = match heard {
        0 => 0,
        _ => spec.window_samples(rate).saturating_sub(heard),
    };
    let mut window = featuriser.empty_window();
    let mut windows = 0;
    let mut flow = ControlFlow::Continue(());
    let mut take = |mut ready: ReadyWindow<'_>| {
        if flow.is_continue() {
            ready.copy_into(&mut window);
            windows += 1;
            flow = on_window(&mut window, padded_samples);
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
    Ok(ClipWindows { windows, padded_samples, samples_repaired: featuriser.samples_repaired() })
}

fn arrival_at(begin: Timestamp, played: Duration) -> Arrival {
    Arrival { instant: Instant::now(), time: begin.saturating_add(played).unwrap_or(begin) }
}
