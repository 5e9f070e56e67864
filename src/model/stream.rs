//! What a model keeps for one input from hop to hop, and how windows of several inputs are scored with it. An input's windows
//! that follow each other are scored together: their new frames in one go, then all windows at once. Held by
//! [`super::NetworkScorer`], one for each input.

use std::ops::Range;

use super::inference_network::{InferenceNetwork, StreamState, Work};
use crate::domain::{MelWindow, Scores};

/// The state of one input: kilobytes, beside the model's megabytes that all inputs share.
pub struct Stream {
    state: StreamState,
    /// The frames that `state` goes on from; none before the first window.
    cached: Option<CachedSpan>,
    /// Its windows that are left of those at hand.
    left: Range<usize>,
    /// How many of those are being scored.
    run: usize,
    /// Whether what is being scored begins with the first window of all: many inputs begin, and few ever begin a new segment.
    is_fresh: bool,
}

/// Windows of one segment, from the first one's first frame to the last one's end.
#[derive(Clone, Copy)]
struct CachedSpan {
    segment: u64,
    first_frame: u64,
    /// Where the last window starts.
    last_start: u64,
}

impl Stream {
    /// The state of an input of which no window has come.
    pub fn new(network: &InferenceNetwork) -> Self {
        Self { state: network.begin(), cached: None, left: 0..0, run: 0, is_fresh: false }
    }

    /// Forgets all windows, and keeps the memory.
    pub fn reset(&mut self) {
        self.cached = None;
    }

    /// Says which of the windows of the next [`score`] are this input's.
    pub fn assign(&mut self, windows: Range<usize>) {
        self.left = windows;
    }

    /// Prepares those of its windows that follow each other, going on from what is cached if the first follows that. Whether
    /// any are left.
    fn begin_run(&mut self, network: &InferenceNetwork, windows: &[MelWindow]) -> bool {
        let windows = &windows[self.left.clone()];
        self.run = if windows.is_empty() { 0 } else { run_at(network, windows) };
        self.state.vectors.clear();
        let Some(last) = self.run.checked_sub(1) else { return false };
        let (windows, first, last) = (&windows[..self.run], &windows[0], &windows[last]);
        let cached = self.cached;
        let ahead = cached.and_then(|it| frames_ahead(network, first, it.segment, it.last_start));
        self.is_fresh = cached.is_none();
        let first_frame = match cached {
            Some(cached) if ahead.is_some() => cached.first_frame,
            _ => {
                self.state.reset();
                first.start_frame
            }
        };
        self.collect(network, windows, ahead);
        let hop = network.window.hop_frames as u64;
        let wanted = windows.iter().map(|it| ((it.start_frame - first_frame) / hop) as usize);
        self.state.wanted.clear();
        self.state.wanted.extend(wanted);
        let (segment, last_start) = (last.segment, last.start_frame);
        self.cached = Some(CachedSpan { segment, first_frame, last_start });
        true
    }

    /// The frames of a run that are new: all of its first window, or what that is `ahead`.
    fn collect(&mut self, network: &InferenceNetwork, windows: &[MelWindow], ahead: Option<usize>) {
        let (frames, mel_bands) = (network.window.frames, network.mel_bands);
        self.state.frames.clear();
        let mut ahead = ahead.unwrap_or(frames);
        for (index, window) in windows.iter().enumerate() {
            if index > 0 {
                ahead = (window.start_frame - windows[index - 1].start_frame) as usize;
            }
            let new = &window.values[(frames - ahead) * mel_bands..];
            self.state.frames.extend_from_slice(new);
        }
    }

    /// Writes what has come of its run.
    fn finish_run(
        &mut self,
        network: &InferenceNetwork,
        scores: &mut [Scores],
        rows: &mut Vec<f32>,
    ) {
        let width = network.scores(&self.state.vectors, rows);
        let scores = &mut scores[self.left.start..][..self.run];
        for (scores, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
            let labels = scores.values.len();
            scores.values.copy_from_slice(&row[..labels]);
        }
        self.left.start += self.run;
        if self.is_fresh && !network.whole_windows {
            self.state.release();
            self.is_fresh = false;
        }
    }
}

/// Scores the windows that are assigned to `streams`, those of one input in the order given, whatever lies between them.
///
/// # Shapes
/// Each window has the model's size, each of `scores` its number of labels; there are as many scores as windows.
///
/// # Real time
/// Does not allocate once every stream was called with as many windows.
pub fn score<T>(
    network: &InferenceNetwork,
    streams: &mut [T],
    stream_of: impl Fn(&mut T) -> &mut Stream,
    (windows, scores): (&[MelWindow], &mut [Scores]),
    work: &mut Work,
) {
    loop {
        let mut is_any = false;
        for stream in &mut *streams {
            is_any |= stream_of(stream).begin_run(network, windows);
        }
        if !is_any {
            return;
        }
        network.push(streams, |stream| &mut stream_of(stream).state, work);
        for stream in &mut *streams {
            stream_of(stream).finish_run(network, scores, &mut work.rows);
        }
    }
}

/// How many of the windows, the first included, follow each other closely enough to be scored together.
fn run_at(network: &InferenceNetwork, windows: &[MelWindow]) -> usize {
    let follows = |pair: &&[MelWindow]| {
        let MelWindow { segment, start_frame, .. } = pair[0];
        frames_ahead(network, &pair[1], segment, start_frame).is_some()
    };
    1 + windows.windows(2).take_while(follows).count()
}

/// Frames of `window` that the one before did not have, if it is close enough that starting afresh costs more.
fn frames_ahead(
    network: &InferenceNetwork,
    window: &MelWindow,
    segment: u64,
    start_frame: u64,
) -> Option<usize> {
    let spec = network.window;
    if network.whole_windows {
        return None;
    }
    let ahead = window.start_frame.checked_sub(start_frame)?;
    let follows = window.segment == segment
        && ahead > 0
        && ahead.is_multiple_of(spec.hop_frames as u64)
        && ahead <= spec.frames as u64 / 2;
    follows.then_some(ahead as usize)
}
