//! The scorer behind `run`, `classify` and `eval`: windows in, scores out, convolving each frame once. Runs on the classify
//! thread, which owns it and all its tensors.

use tch::Tensor;

use super::folded_network::FoldedNetwork;
use super::incremental_network::IncrementalNetwork;
use super::window_stream::WindowStream;
use super::{Network, NetworkError};
use crate::domain::{LabelSet, MelWindow, Scores};
use crate::features::WindowSpec;
use crate::recognition::{Scorer, ScorerError};

/// How windows are scored. The answers are equal within 1e-5; only the time differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Convolve only the frames that the window before did not have.
    Incremental,
    /// Convolve the whole window each time, and with libtorch alone: the reference.
    FromScratch,
}

/// Scores windows with a network.
pub struct NetworkScorer {
    labels: LabelSet,
    window: WindowSpec,
    mel_bands: usize,
    engine: Engine,
}

enum Engine {
    Incremental(Box<WindowStream>),
    FromScratch(Box<FoldedNetwork>),
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
        let folded = FoldedNetwork::new(network)?;
        let engine = match schedule {
            Schedule::FromScratch => Engine::FromScratch(Box::new(folded)),
            Schedule::Incremental => {
                let network = IncrementalNetwork::new(folded, &network.structure, window)?;
                Engine::Incremental(Box::new(WindowStream::new(network, window, mel_bands)))
            }
        };
        Ok(Self { labels, window, mel_bands, engine })
    }

    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), NetworkError> {
        let expected = self.window.frames * self.mel_bands;
        for MelWindow { values, .. } in windows {
            if values.len() != expected {
                return Err(NetworkError::WindowValues { found: values.len(), expected });
            }
        }
        match &mut self.engine {
            Engine::Incremental(stream) => stream.score(windows, scores),
            Engine::FromScratch(network) => {
                let _guard = tch::no_grad_guard();
                for (window, scores) in windows.iter().zip(scores) {
                    let frames = Tensor::f_from_slice(&window.values)?;
                    let frames = frames.f_reshape([-1, self.mel_bands as i64])?;
                    let row = network.scores(&frames)?; // [1, labels]
                    row.f_copy_data(&mut scores.0, self.labels.len())?;
                }
            }
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
        self.score(windows, scores).map_err(|error| ScorerError(Box::new(error)))
    }
}
