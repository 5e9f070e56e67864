//! A network of any kind as listening sees it: batch norm folded away, no dropout, no gradients, and what is known of
//! frames already seen left to the caller to keep. Called by [`super::NetworkScorer`] on the classify thread.

use tch::{Tensor, nn};

use super::folded_trunk::{FoldedTrunk, TrunkState};
use super::head::Head;
use super::lstm::{Lstm, Pass};
use super::projection::Projection;
use super::recurrence::{GateInputs, Recurrence, RecurrenceBuffers};
use super::{Network, NetworkError};

/// A network's weights, ready for inference. Holds no state of any stream.
pub struct FoldedNetwork {
    trunk: FoldedTrunk,
    projection: Projection,
    lstm: Option<FoldedLstm>,
    head: Head,
}

/// An LSTM in two halves, and whole for the reference.
struct FoldedLstm {
    whole: Lstm,
    inputs: nn::Linear,
    recurrence: Recurrence,
}

/// Windows that lie in a stretch of features.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// `[features, row width]`, as [`FoldedNetwork::rows`] gives them.
    pub rows: &'a Tensor,
    /// The first row of each window.
    pub starts: &'a [usize],
    /// Rows of a window.
    pub features: usize,
}

/// What is worked in, kept so that nothing is allocated from window to window.
#[derive(Default)]
pub struct FoldedBuffers {
    gate_inputs: Vec<f32>,
    recurrence: RecurrenceBuffers,
}

impl FoldedNetwork {
    /// Folds a trained network.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(network: &Network) -> Result<Self, NetworkError> {
        let fold = |lstm: &Lstm| -> Result<FoldedLstm, NetworkError> {
            let (inputs, recurrence) = lstm.halves()?;
            Ok(FoldedLstm { whole: lstm.detached(), inputs, recurrence })
        };
        Ok(Self {
            trunk: FoldedTrunk::new(&network.trunk)?,
            projection: network.projection.detached(),
            lstm: network.lstm.as_ref().map(fold).transpose()?,
            head: network.head.detached(),
        })
    }

    /// What is worth keeping of new frames that follow those `state` remembers: the gate inputs of an LSTM, or the
    /// features themselves. [`FoldedTrunk::columns`] says how many frames it takes.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[features, 4 × hidden]`, or `[features, feature_width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn rows(&self, frames: &Tensor, state: &mut TrunkState) -> Result<Tensor, NetworkError> {
        let features = self.features(frames, state)?; // [1, features, feature_width]
        let rows = match &self.lstm {
            Some(lstm) => features.f_linear(&lstm.inputs.ws, lstm.inputs.bs.as_ref())?, // [1, features, 4 × hidden]
            None => features,
        };
        Ok(rows.f_squeeze_dim(0)?)
    }

    fn features(&self, frames: &Tensor, state: &mut TrunkState) -> Result<Tensor, NetworkError> {
        let columns = self.trunk.columns(frames, state)?; // [1, channels, bands_left, columns]
        let stacked = self.projection.stack(&columns)?; // [1, features, stacked_width]
        Ok(self.projection.project(stacked)?) // [1, features, feature_width]
    }

    /// Scores windows from what was kept of their features, each on its own.
    ///
    /// # Shapes
    /// Returns `[windows, labels]`, between 0 and 1.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(
        &self,
        stretch: Stretch<'_>,
        buffers: &mut FoldedBuffers,
    ) -> Result<Tensor, NetworkError> {
        let Stretch { rows, starts, features } = stretch;
        let states = match &self.lstm {
            Some(lstm) => {
                let values = &mut buffers.gate_inputs;
                values.resize(rows.numel(), 0.0);
                rows.f_copy_data(values, rows.numel())?;
                let inputs = GateInputs { values, starts, features };
                lstm.recurrence.states(inputs, &mut buffers.recurrence);
                let shape = [starts.len() as i64, features as i64, -1];
                Tensor::f_from_slice(buffers.recurrence.states())?.f_reshape(shape)?
            }
            None => {
                let window = |&start: &usize| rows.f_narrow(0, start as i64, features as i64);
                let windows = starts.iter().map(window).collect::<Result<Vec<_>, _>>()?;
                Tensor::f_stack(&windows, 0)?
            }
        }; // [windows, features, state_width]
        self.scores_of_states(&states)
    }

    /// Scores one window from all of its frames, with libtorch's own LSTM: the reference.
    ///
    /// # Shapes
    /// `frames`: `[frames, mel_bands]`. Returns `[1, labels]`, between 0 and 1.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores_from_scratch(&self, frames: &Tensor) -> Result<Tensor, NetworkError> {
        let features = self.features(frames, &mut TrunkState::default())?;
        let states = match &self.lstm {
            Some(lstm) => lstm.whole.states(&features, Pass::Inference)?,
            None => features,
        }; // [1, features, state_width]
        self.scores_of_states(&states)
    }

    fn scores_of_states(&self, states: &Tensor) -> Result<Tensor, NetworkError> {
        let pooled = self.head.pool(states)?; // [windows, state_width]
        Ok(self.head.logits(&pooled)?.f_sigmoid()?) // [windows, labels]
    }
}
