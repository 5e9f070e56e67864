//! Windows of a stream, scored with what is known of the frames that earlier ones had. Windows that follow each other are
//! scored together: their new frames in one go, then all windows at once. Part of [`super::NetworkScorer`].

use super::incremental_network::{IncrementalNetwork, StreamState};
use crate::domain::{MelWindow, Scores};
use crate::features::WindowSpec;

/// A network and what it has heard.
pub struct WindowStream {
    network: IncrementalNetwork,
    window: WindowSpec,
    mel_bands: usize,
    state: StreamState,
    /// What `state` has heard; none when that is of no use.
    heard: Option<Heard>,
    buffers: Buffers,
}

/// Windows of one segment, from the first one's first frame to the last one's end.
#[derive(Clone, Copy)]
struct Heard {
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

impl WindowStream {
    /// A stream of windows of `window` × `mel_bands`, of which nothing was heard.
    pub fn new(network: IncrementalNetwork, window: WindowSpec, mel_bands: usize) -> Self {
        let state = network.begin();
        Self { network, window, mel_bands, state, heard: None, buffers: Buffers::default() }
    }

    /// Scores windows in the order given, whatever lies between them.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many windows.
    pub fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) {
        let mut begun = 0;
        while begun < windows.len() {
            let run = self.run_at(&windows[begun..]);
            self.score_run(&windows[begun..begun + run], &mut scores[begun..]);
            begun += run;
        }
    }

    /// How many of the windows, the first included, follow each other closely enough to be scored together.
    fn run_at(&self, windows: &[MelWindow]) -> usize {
        let follows = |pair: &&[MelWindow]| {
            let MelWindow { segment, start_frame, .. } = pair[0];
            self.is_ahead(&pair[1], segment, start_frame).is_some()
        };
        1 + windows.windows(2).take_while(follows).count()
    }

    /// Frames of `window` that the one before did not have, if it is close enough that starting afresh costs more.
    fn is_ahead(&self, window: &MelWindow, segment: u64, start_frame: u64) -> Option<usize> {
        let ahead = window.start_frame.checked_sub(start_frame)?;
        let follows = window.segment == segment
            && ahead > 0
            && ahead.is_multiple_of(self.window.hop_frames as u64)
            && ahead <= self.window.frames as u64 / 2;
        follows.then_some(ahead as usize)
    }

    /// Scores windows that follow each other, going on from what was heard if the first follows that.
    fn score_run(&mut self, windows: &[MelWindow], scores: &mut [Scores]) {
        let (first, last) = (&windows[0], &windows[windows.len() - 1]);
        let heard = self.heard;
        let ahead = heard.and_then(|it| self.is_ahead(first, it.segment, it.last_start));
        let first_frame = match heard {
            Some(heard) if ahead.is_some() => heard.first_frame,
            _ => {
                self.state.reset();
                first.start_frame
            }
        };
        self.collect(windows, ahead);
        let Buffers { frames, vectors, rows } = &mut self.buffers;
        let hop = self.window.hop_frames as u64;
        let mut wanted = windows.iter().map(|it| (it.start_frame - first_frame) / hop).peekable();
        vectors.clear();
        self.network.push(frames, &mut self.state, |window, vector| {
            if wanted.next_if_eq(&(window as u64)).is_some() {
                vectors.extend_from_slice(vector);
            }
        });
        let width = self.network.scores(vectors, rows);
        for (scores, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
            let labels = scores.0.len();
            scores.0.copy_from_slice(&row[..labels]);
        }
        let (segment, last_start) = (last.segment, last.start_frame);
        self.heard = Some(Heard { segment, first_frame, last_start });
    }

    /// The frames of a run that are new: all of its first window, or what that is `ahead`.
    fn collect(&mut self, windows: &[MelWindow], ahead: Option<usize>) {
        self.buffers.frames.clear();
        let mut ahead = ahead.unwrap_or(self.window.frames);
        for (index, window) in windows.iter().enumerate() {
            if index > 0 {
                ahead = (window.start_frame - windows[index - 1].start_frame) as usize;
            }
            let new = &window.values[(self.window.frames - ahead) * self.mel_bands..];
            self.buffers.frames.extend_from_slice(new);
        }
    }
}
