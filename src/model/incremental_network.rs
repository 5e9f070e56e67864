//! A network of any kind as listening sees it: what is known of frames already seen is left to the caller to keep. Loaded
//! and folded by libtorch, and equal to it within 1e-5; computed without it, since it is made for many columns at a time and
//! a hop has few. Called by [`super::window_stream`] on the classify thread.

use tch::TchError;

use super::folded_network::FoldedNetwork;
use super::incremental_trunk::{IncrementalTrunk, TrunkState};
use super::open_windows::{OpenWindows, WindowSequence};
use super::recurrence::sigmoid;
use super::structure::Structure;
use super::tiled_matrix::{TiledMatrix, Vectors};
use crate::features::WindowSpec;

/// A network's weights, laid out. Holds no state of any stream.
pub struct IncrementalNetwork {
    trunk: IncrementalTrunk,
    /// Values of the columns of one feature.
    stacked: usize,
    projection: Option<TiledMatrix>,
    /// From a feature to what it contributes to an LSTM's gates.
    gate_inputs: Option<TiledMatrix>,
    sequence: WindowSequence,
    output: TiledMatrix,
}

/// What is known of a stream, and what is worked in: after the first windows nothing is allocated.
pub struct StreamState {
    trunk: TrunkState,
    windows: OpenWindows,
    sums: Vec<f32>,
    columns: Vec<f32>,
    features: Vec<f32>,
}

impl IncrementalNetwork {
    /// Lays out the weights of a network that listens to windows of `window`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(
        network: FoldedNetwork,
        structure: &Structure,
        window: WindowSpec,
    ) -> Result<Self, TchError> {
        let FoldedNetwork { trunk, projection, lstm, head } = network;
        let last = trunk.column_shape();
        let stacked = projection.stacked(last);
        let projection = projection.tiled(last)?;
        let (gate_inputs, recurrence) = lstm.map(|lstm| lstm.halves()).transpose()?.unzip();
        let feature_width = projection.as_ref().map_or(stacked, TiledMatrix::outputs);
        let sequence = WindowSequence {
            width: recurrence.as_ref().map_or(feature_width, |it| it.weights.outputs() / 4),
            recurrence,
            attention: head.attention()?,
            features: structure.features_of(window.frames as i64) as usize,
            hop: (window.hop_frames as i64 / structure.time_stride()) as usize,
        };
        let trunk = IncrementalTrunk::new(&trunk)?;
        let output = head.tiled()?;
        Ok(Self { trunk, stacked, projection, gate_inputs, sequence, output })
    }

    /// A stream of which nothing was heard.
    pub fn begin(&self) -> StreamState {
        StreamState {
            trunk: TrunkState::default(),
            windows: self.sequence.begin(),
            sums: Vec::new(),
            columns: Vec::new(),
            features: Vec::new(),
        }
    }

    /// Takes frames that follow those `state` remembers, and calls `on_window` with each window that they complete: its
    /// number, counted from the first frame of all, and its vector. A fresh `state` takes at least one window's frames, a
    /// used one whole hops.
    ///
    /// # Shapes
    /// `frames`: `[frames][mel_bands]`. A vector is what [`Self::scores`] takes.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many frames.
    pub fn push(
        &self,
        frames: &[f32],
        state: &mut StreamState,
        mut on_window: impl FnMut(usize, &[f32]),
    ) {
        let StreamState { trunk, windows, sums, columns, features } = state;
        self.trunk.columns(frames, trunk, sums, columns);
        let (features, width) = match &self.projection {
            Some(projection) => {
                projection.apply(each(columns, self.stacked), features);
                for value in &mut *features {
                    // what is not a number is kept, and seen in the scores
                    *value = if *value < 0.0 { 0.0 } else { *value };
                }
                (&*features, projection.width())
            }
            None => (&*columns, self.stacked),
        };
        let (rows, width) = match &self.gate_inputs {
            Some(gate_inputs) => {
                let outputs = self.projection.as_ref().map_or(width, TiledMatrix::outputs);
                gate_inputs.apply(Vectors { run: outputs, ..each(features, width) }, sums);
                (&*sums, gate_inputs.width())
            }
            None => (features, width),
        };
        for row in rows.chunks_exact(width) {
            if let Some((window, vector)) = self.sequence.push(row, windows) {
                on_window(window, vector);
            }
        }
    }

    /// Scores of windows.
    ///
    /// # Shapes
    /// `vectors`: those of the windows, one after another. `rows` becomes `[windows][labels, and more]`; gives the length of
    /// such a row.
    pub fn scores(&self, vectors: &[f32], rows: &mut Vec<f32>) -> usize {
        self.output.apply(each(vectors, self.sequence.width), rows);
        for logit in rows {
            *logit = sigmoid(*logit);
        }
        self.output.width()
    }
}

impl StreamState {
    /// Forgets all frames, as if new.
    pub fn reset(&mut self) {
        self.trunk.reset();
        self.windows.reset();
    }
}

/// Vectors that lie one after another.
fn each(values: &[f32], width: usize) -> Vectors<'_, impl Fn(usize) -> usize> {
    let start = move |vector| vector * width;
    Vectors { values, count: values.len() / width, start, run: width, stride: width }
}
