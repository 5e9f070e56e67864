//! What a model keeps for one input from hop to hop, and how that input's windows are scored with it. Windows that follow
//! each other are scored together: their new frames in one go, then all windows at once. Held by
//! [`super::NetworkScorer`], one for each input.

use super::inference_network::{InferenceNetwork, StreamState};
use crate::domain::{MelWindow, Scores};

/// The state of one input: kilobytes, beside the model's megabytes that all inputs share.
pub struct Stream {
    state: StreamState,
    /// The frames that `state` goes on from; none before the first window.
    cached: Option<CachedSpan>,
    buffers: Buffers,
}

/// Windows of one segment, from the first one's first frame to the last one's end.
#[derive(Clone, Copy)]
struct CachedSpan {
    segment: u64,
    first_frame: u64,
    /// Where the last window starts.
    last_start: u64,
}

/// Kept so that nothing is allocated from window to window.
#[derive(Default)]
struct Buffers {
    /// New frames of a run of windows.
    frames: Vec<f32>,
    /// What its windows come to.
    vectors: Vec<f32>,
    /// Their scores.
    rows: Vec<f32>,
}

impl Stream {
    /// The state of an input of which no window has come.
    pub(super) fn new(network: &InferenceNetwork) -> Self {
        Self { state: network.begin(), cached: None, buffers: Buffers::default() }
    }

    /// Forgets all windows, and keeps the memory.
    pub(super) fn reset(&mut self) {
        self.cached = None;
    }

    /// Scores windows of one input in the order given, whatever lies between them.
    ///
    /// # Shapes
    /// Each window has the model's size, each of `scores` its number of labels; there are as many scores as windows.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many windows.
    pub(super) fn score(
        &mut self,
        network: &InferenceNetwork,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) {
        let mut begun = 0;
        while begun < windows.len() {
            let run = run_at(network, &windows[begun..]);
            self.score_run(network, &windows[begun..begun + run], &mut scores[begun..]);
            begun += run;
        }
    }

    /// Scores windows that follow each other, going on from what is cached if the first follows that.
    fn score_run(
        &mut self,
        network: &InferenceNetwork,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) {
        let (first, last) = (&windows[0], &windows[windows.len() - 1]);
        let cached = self.cached;
        let ahead = cached.and_then(|it| frames_ahead(network, first, it.segment, it.last_start));
        let first_frame = match cached {
            Some(cached) if ahead.is_some() => cached.first_frame,
            _ => {
                self.state.reset();
                first.start_frame
            }
        };
        self.collect(network, windows, ahead);
        let Buffers { frames, vectors, rows } = &mut self.buffers;
        let hop = network.window.hop_frames as u64;
        let mut wanted = windows.iter().map(|it| (it.start_frame - first_frame) / hop).peekable();
        vectors.clear();
        network.push(frames, &mut self.state, |window, vector| {
            if wanted.next_if_eq(&(window as u64)).is_some() {
                vectors.extend_from_slice(vector);
            }
        });
        let width = network.scores(vectors, rows);
        for (scores, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
            let labels = scores.values.len();
            scores.values.copy_from_slice(&row[..labels]);
        }
        let (segment, last_start) = (last.segment, last.start_frame);
        self.cached = Some(CachedSpan { segment, first_frame, last_start });
    }

    /// The frames of a run that are new: all of its first window, or what that is `ahead`.
    fn collect(&mut self, network: &InferenceNetwork, windows: &[MelWindow], ahead: Option<usize>) {
        let (frames, mel_bands) = (network.window.frames, network.mel_bands);
        self.buffers.frames.clear();
        let mut ahead = ahead.unwrap_or(frames);
        for (index, window) in windows.iter().enumerate() {
            if index > 0 {
                ahead = (window.start_frame - windows[index - 1].start_frame) as usize;
            }
            let new = &window.values[(frames - ahead) * mel_bands..];
            self.buffers.frames.extend_from_slice(new);
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
