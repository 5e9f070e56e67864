//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread, which owns it and all its tensors.

use tch::Tensor;

use super::folded_network::{FoldedBuffers, FoldedNetwork, Stretch};
use super::folded_trunk::TrunkState;
use super::{Network, NetworkError};
use crate::domain::{LabelSet, MelWindow, Scores};
use crate::features::WindowSpec;
use crate::recognition::{Scorer, ScorerError};

/// How windows are scored. The answers are equal within 1e-5; only the time differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Convolve only the frames that the window before did not have.
    Incremental,
    /// Convolve the whole window each time: the reference.
    FromScratch,
}

/// Scores windows with a network, keeping what it knows of frames it has seen. Windows that follow each other are scored
/// together: their new frames in one go, then all windows at once.
pub struct NetworkScorer {
    labels: LabelSet,
    window: WindowSpec,
    mel_bands: usize,
    time_stride: usize,
    network: FoldedNetwork,
    schedule: Schedule,
    kept: Option<Kept>,
    buffers: Buffers,
}

/// What is known of the last window scored.
struct Kept {
    segment: u64,
    start_frame: u64,
    trunk: TrunkState,
    /// `[features, row width]`
    rows: Tensor,
}

/// Kept so that nothing is allocated from window to window but by libtorch.
#[derive(Default)]
struct Buffers {
    /// New frames of a run of windows.
    frames: Vec<f32>,
    /// Where its windows start among the rows.
    starts: Vec<usize>,
    /// Scores of its windows.
    scores: Vec<f32>,
    network: FoldedBuffers,
}

impl NetworkScorer {
    /// A scorer for windows of `window` × `mel_bands`.
    ///
    /// # Errors
    /// [`NetworkError::Runtime`] when libtorch fails.
    pub fn new(
        labels: LabelSet,
        (window, mel_bands): (WindowSpec, usize),
        network: &Network,
        schedule: Schedule,
    ) -> Result<Self, NetworkError> {
        let _guard = tch::no_grad_guard();
        Ok(Self {
            labels,
            window,
            mel_bands,
            time_stride: network.time_stride(),
            network: FoldedNetwork::new(network)?,
            schedule,
            kept: None,
            buffers: Buffers::default(),
        })
    }

    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), NetworkError> {
        let _guard = tch::no_grad_guard();
        let expected = self.window.frames * self.mel_bands;
        for MelWindow { values, .. } in windows {
            if values.len() != expected {
                return Err(NetworkError::WindowValues { found: values.len(), expected });
            }
        }
        let mut begun = 0;
        while begun < windows.len() {
            let run = self.run_at(&windows[begun..]);
            let (windows, scores) = (&windows[begun..begun + run], &mut scores[begun..]);
            match self.schedule {
                Schedule::Incremental => self.score_run(windows, scores)?,
                Schedule::FromScratch => {
                    let frames = self.tensor_of(&windows[0].values)?;
                    let row = self.network.scores_from_scratch(&frames)?;
                    row.f_copy_data(&mut scores[0].0, self.labels.len())?;
                }
            }
            begun += run;
        }
        Ok(())
    }

    /// How many of the windows, the first included, follow each other closely enough to be scored together.
    fn run_at(&self, windows: &[MelWindow]) -> usize {
        let follows = |pair: &&[MelWindow]| self.is_ahead(&pair[1], of(&pair[0])).is_some();
        match self.schedule {
            Schedule::Incremental => 1 + windows.windows(2).take_while(follows).count(),
            Schedule::FromScratch => 1,
        }
    }

    /// Frames of `window` that the one before did not have, if it is close enough that starting afresh costs more.
    fn is_ahead(&self, window: &MelWindow, (segment, start_frame): (u64, u64)) -> Option<usize> {
        let ahead = window.start_frame.checked_sub(start_frame)?;
        let follows = window.segment == segment
            && ahead > 0
            && ahead.is_multiple_of(self.window.hop_frames as u64)
            && ahead <= self.window.frames as u64 / 2;
        follows.then_some(ahead as usize)
    }

    /// Scores windows that follow each other, going on from what is kept if the first follows that.
    fn score_run(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), NetworkError> {
        let mut kept = self.kept.take();
        let ahead = kept.as_ref().and_then(|kept| self.is_ahead(&windows[0], kept.place()));
        if ahead.is_none() {
            kept = None;
        }
        self.collect(windows, ahead);
        let (mut trunk, base, before) = match kept {
            Some(kept) => (kept.trunk, kept.start_frame, Some(kept.rows)),
            None => (TrunkState::default(), windows[0].start_frame, None),
        };
        let frames = self.tensor_of(&self.buffers.frames)?; // [new frames, mel_bands]
        let mut rows = self.network.rows(&frames, &mut trunk)?; // [new features, row width]
        let features = match &before {
            Some(before) => before.size()[0] as usize,
            // as many as the first window has: the later ones add theirs
            None => {
                let last = windows.last().map_or(base, |window| window.start_frame);
                rows.size()[0] as usize - (last - base) as usize / self.time_stride
            }
        };
        if let Some(before) = before {
            rows = Tensor::f_cat(&[&before, &rows], 0)?; // [old and new features, row width]
        }
        let starts = windows.iter().map(|it| (it.start_frame - base) as usize / self.time_stride);
        self.buffers.starts.clear();
        self.buffers.starts.extend(starts);
        let stretch = Stretch { rows: &rows, starts: &self.buffers.starts, features };
        let scored = self.network.scores(stretch, &mut self.buffers.network)?; // [windows, labels]
        let values = &mut self.buffers.scores;
        values.resize(scored.numel(), 0.0);
        scored.f_copy_data(values, scored.numel())?;
        for (scores, row) in scores.iter_mut().zip(values.chunks_exact(self.labels.len())) {
            scores.0.copy_from_slice(row);
        }
        if let (Some(window), Some(&start)) = (windows.last(), self.buffers.starts.last()) {
            let (segment, start_frame) = of(window);
            let rows = rows.f_narrow(0, start as i64, features as i64)?; // [features, row width]
            self.kept = Some(Kept { segment, start_frame, trunk, rows });
        }
        Ok(())
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

    /// Frames as libtorch sees them, `[frames, mel_bands]`.
    fn tensor_of(&self, frames: &[f32]) -> Result<Tensor, NetworkError> {
        Ok(Tensor::f_from_slice(frames)?.f_reshape([-1, self.mel_bands as i64])?)
    }
}

impl Kept {
    fn place(&self) -> (u64, u64) {
        (self.segment, self.start_frame)
    }
}

/// Where a window lies.
fn of(window: &MelWindow) -> (u64, u64) {
    (window.segment, window.start_frame)
}

impl Scorer for NetworkScorer {
    fn labels(&self) -> &LabelSet {
        &self.labels
    }

    fn score_into(
        &mut self,
        windows: &[MelWindow],
        scores: &mut [Scores],
    ) -> Result<(), ScorerError> {
        self.score(windows, scores).map_err(|error| {
            // what is kept may be half updated
            self.kept = None;
            ScorerError(Box::new(error))
        })
    }
}
