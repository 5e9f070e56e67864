//! The first runs of a network, before any real window. Called on the classify thread at the start, and on the thread of a
//! reload.

use std::time::Instant;

use super::stage_thread::CancelToken;
use super::window_channel::WINDOWS_WAITING;
use crate::domain::{MelWindow, Scores};
use crate::recognition::{Scorer, ScorerError};

/// Windows scored before the first real one. The first 2 to 20 runs of a network are slow: memory is found, kernels are
/// chosen for the shapes.
pub const WARM_UP_WINDOWS: u64 = WARM_UP_SEGMENTS * (WINDOWS_WAITING as u64 + 1);

/// The warm-up windows come in this many segments, counted down from `u64::MAX`, where no real segment ever is: a
/// scorer that keeps what it computed can never take it for a part of real audio. Several, so that both the first
/// window of a segment and those that follow are warm, alone and together.
pub const WARM_UP_SEGMENTS: u64 = 4;

/// Has a scorer score [`WARM_UP_WINDOWS`] windows like `example`.
pub(in crate::live) fn warm_up(
    scorer: &mut dyn Scorer,
    example: MelWindow,
    hop_frames: u64,
    cancel: &CancelToken,
) -> Result<(), ScorerError> {
    let began = Instant::now();
    let in_a_segment = WINDOWS_WAITING + 1;
    let mut windows = vec![example; in_a_segment];
    let mut scores = vec![Scores::zeros(scorer.labels().len()); in_a_segment];
    for segment in (0..WARM_UP_SEGMENTS).take_while(|_| !cancel.is_cancelled()) {
        for (window, hops) in windows.iter_mut().zip(0..) {
            window.segment = u64::MAX - segment;
            window.start_frame = hops * hop_frames;
        }
        // one by one, and as many at a time as can have waited
        let at_a_time = if segment % 2 == 0 { 1 } else { WINDOWS_WAITING };
        scorer.score_into(&windows[..1], &mut scores[..1])?;
        let rest = windows[1..].chunks(at_a_time).zip(scores[1..].chunks_mut(at_a_time));
        for (windows, scores) in rest.take_while(|_| !cancel.is_cancelled()) {
            scorer.score_into(windows, scores)?;
        }
    }
    log::debug!("the scorer is warm after {WARM_UP_WINDOWS} windows in {:?}", began.elapsed());
    Ok(())
}
