//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread, which owns it and all its tensors.

use tch::{Kind, Tensor};

use super::folded_network::FoldedNetwork;
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

/// Scores windows with a network, keeping the features of frames it has seen.
pub struct NetworkScorer {
    labels: LabelSet,
    window: WindowSpec,
    mel_bands: usize,
    network: FoldedNetwork,
    schedule: Schedule,
    kept: Option<Kept>,
}

/// Features of the last window scored.
struct Kept {
    segment: u64,
    start_frame: u64,
    trunk: TrunkState,
    /// `[1, features, feature_width]`
    features: Tensor,
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
            network: FoldedNetwork::new(network)?,
            schedule,
            kept: None,
        })
    }

    /// Features of a window, `[1, features, feature_width]`, from what is kept and the frames that are new.
    fn features_of(&mut self, window: &MelWindow) -> Result<Tensor, NetworkError> {
        let mut kept = match self.kept.take().and_then(|kept| self.catch_up(kept, window)) {
            Some(kept) => kept?,
            None => {
                let mut trunk = TrunkState::default();
                let frames = self.frames(window, 0)?; // [frames, mel_bands]
                let features = self.network.features(&frames, &mut trunk)?;
                Kept { segment: 0, start_frame: 0, trunk, features }
            }
        };
        kept.segment = window.segment;
        kept.start_frame = window.start_frame;
        let features = kept.features.shallow_clone();
        self.kept = Some(kept);
        Ok(features)
    }

    /// Feeds the new frames of `window` hop by hop, so that the shapes libtorch sees stay the same; nothing when what is
    /// kept is of no use.
    fn catch_up(&self, kept: Kept, window: &MelWindow) -> Option<Result<Kept, NetworkError>> {
        let hop = self.window.hop_frames as u64;
        let ahead = window.start_frame.checked_sub(kept.start_frame)?;
        // beyond half a window, starting afresh is as cheap
        let usable = self.schedule == Schedule::Incremental
            && kept.segment == window.segment
            && ahead > 0
            && ahead.is_multiple_of(hop)
            && ahead <= self.window.frames as u64 / 2;
        usable.then(|| self.feed(kept, window, ahead))
    }

    fn feed(&self, mut kept: Kept, window: &MelWindow, ahead: u64) -> Result<Kept, NetworkError> {
        let hop = self.window.hop_frames;
        let new_frames = self.frames(window, self.window.frames - ahead as usize)?; // [ahead, mel_bands]
        for first in (0..ahead as i64).step_by(hop) {
            let frames = new_frames.f_narrow(0, first, hop as i64)?; // [hop, mel_bands]
            let new = self.network.features(&frames, &mut kept.trunk)?; // [1, hop / stride, feature_width]
            let features = kept.features.size()[1];
            let all = Tensor::f_cat(&[&kept.features, &new], 1)?; // [1, features + new, feature_width]
            kept.features = all.f_narrow(1, all.size()[1] - features, features)?; // [1, features, feature_width]
        }
        Ok(kept)
    }

    /// Frames `first ..` of a window, `[frames, mel_bands]`.
    fn frames(&self, window: &MelWindow, first: usize) -> Result<Tensor, NetworkError> {
        let values = &window.values[first * self.mel_bands..];
        let shape = [(self.window.frames - first) as i64, self.mel_bands as i64];
        Ok(Tensor::from_slice(values).f_reshape(shape)?)
    }

    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), NetworkError> {
        let _guard = tch::no_grad_guard();
        for (window, scores) in windows.iter().zip(scores) {
            let expected = self.window.frames * self.mel_bands;
            if window.values.len() != expected {
                return Err(NetworkError::WindowValues { found: window.values.len(), expected });
            }
            let features = self.features_of(window)?; // [1, features, feature_width]
            let row = self.network.scores(&features)?.f_squeeze_dim(0)?; // [labels]
            row.to_kind(Kind::Float).f_copy_data(&mut scores.0, self.labels.len())?;
        }
        Ok(())
    }
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
