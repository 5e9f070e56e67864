//! A network of any kind, ready to score: batch norm folded, weights packed, nothing of any stream kept. Computed in plain
//! Rust, since libraries are made for many columns at a time and a hop has few; equal to libtorch within 1e-5. Called by
//! [`super::stream`] on the classify thread.

use super::conv_trunk::{ConvTrunk, TrunkState};
use super::in_flight_windows::{InFlightWindows, WindowSequence};
use super::lstm_step::{Recurrence, sigmoid};
use super::mobile_trunk::{MobileState, MobileStream, MobileTrunk, MobileWork};
use super::packed_matrix::{PackedMatrix, StridedInputs};
use super::structure::{Structure, Trunk};
use super::weights::Weights;
use super::{Activation, Bundle, Manifest, TimePooling};
use crate::features::WindowSpec;

/// A network's weights, laid out. Holds no state of any stream.
pub struct InferenceNetwork {
    /// The windows that it sees.
    pub window: WindowSpec,
    /// Whether nothing of a window serves the next one: then a fresh state takes the frames of one window.
    pub whole_windows: bool,
    pub mel_bands: usize,
    trunk: InferenceTrunk,
    /// Values of the columns of one feature.
    stacked: usize,
    projection: Option<PackedMatrix>,
    /// From a feature to what it contributes to an LSTM's gates.
    gate_inputs: Option<PackedMatrix>,
    sequence: WindowSequence,
    output: PackedMatrix,
    activation: Activation,
}

/// From frames to columns.
enum InferenceTrunk {
    Convolutions(ConvTrunk),
    Mobile(MobileTrunk),
}

/// What is known of a stream, what is asked of it, and what comes of that: after the first windows nothing is allocated.
pub struct StreamState {
    /// Frames that follow those before, `[frames][mel_bands]`; taken by the next [`InferenceNetwork::push`].
    pub frames: Vec<f32>,
    /// The windows whose vectors are wanted, by their numbers, counted from the first frame of all; in their order.
    pub wanted: Vec<usize>,
    /// Their vectors, one after another.
    pub vectors: Vec<f32>,
    trunk: TrunkState,
    mobile: MobileState,
    windows: InFlightWindows,
    columns: Vec<f32>,
    features: Vec<f32>,
    gate_inputs: Vec<f32>,
}

/// What is worked in, by one stream after another.
#[derive(Default)]
pub struct Work {
    /// Scores of windows; see [`InferenceNetwork::scores`].
    pub rows: Vec<f32>,
    sums: Vec<f32>,
    mobile: MobileWork,
}

impl InferenceNetwork {
    /// Folds and packs the weights of a checked network that sees windows of `window`.
    fn new(
        structure: &Structure,
        mel_bands: usize,
        window: WindowSpec,
        weights: &Weights,
        activation: Activation,
    ) -> Self {
        let bands = mel_bands as i64;
        let trunk = match &structure.trunk {
            Trunk::Convolutions(_) => {
                InferenceTrunk::Convolutions(ConvTrunk::new(structure, bands, weights))
            }
            Trunk::Mobile(layers) => {
                InferenceTrunk::Mobile(MobileTrunk::new(layers, mel_bands, weights))
            }
        };
        let whole_windows = structure.sees_whole_windows();
        let stacked = structure.stacked_width(bands) as usize;
        let projection = structure.projection.map(|_| projection(structure, bands, weights));
        let lstm = structure.lstm_hidden.map(|_| lstm(weights));
        let (gate_inputs, recurrence) = lstm.unzip();
        let attention = (structure.pooling == TimePooling::Attention)
            .then(|| weights.values("attention.weight").to_vec());
        let features = structure.features_of(window.frames as i64) as usize;
        let sequence = WindowSequence {
            width: structure.state_width(bands) as usize,
            features_pooled: structure.features_pooled,
            recurrence,
            attention,
            features,
            hop: match whole_windows {
                true => features,
                false => (window.hop_frames as i64 / structure.time_stride()) as usize,
            },
        };
        let output =
            PackedMatrix::new(weights.values("output.weight"), weights.values("output.bias"));
        Self {
            window,
            whole_windows,
            mel_bands,
            trunk,
            stacked,
            projection,
            gate_inputs,
            sequence,
            output,
            activation,
        }
    }

    /// Folds and packs the weights of a bundle.
    pub fn of_bundle(bundle: &Bundle) -> Self {
        let Manifest { network, front_end, window, activation, .. } = &bundle.manifest;
        let weights = &bundle.weights;
        Self::new(&network.structure(), front_end.mel_bands, *window, weights, *activation)
    }

    /// The state of a stream of which no frame has come.
    pub fn begin(&self) -> StreamState {
        StreamState {
            frames: Vec::new(),
            wanted: Vec::new(),
            vectors: Vec::new(),
            trunk: TrunkState::default(),
            mobile: MobileState::default(),
            windows: self.sequence.begin(),
            columns: Vec::new(),
            features: Vec::new(),
            gate_inputs: Vec::new(),
        }
    }

    /// Takes the new frames of each stream, and leaves the vectors of the windows that are wanted of it: what [`Self::scores`]
    /// takes. A fresh stream takes at least one window's frames, a used one whole hops; one that has none is passed over.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many frames.
    pub fn push<T>(
        &self,
        streams: &mut [T],
        state_of: impl Fn(&mut T) -> &mut StreamState,
        work: &mut Work,
    ) {
        match &self.trunk {
            InferenceTrunk::Convolutions(layers) => {
                for stream in &mut *streams {
                    let StreamState { frames, trunk, columns, .. } = state_of(stream);
                    columns.clear();
                    if !frames.is_empty() {
                        layers.columns(frames, trunk, &mut work.sums, columns);
                    }
                }
            }
            InferenceTrunk::Mobile(layers) => {
                let work = &mut work.mobile;
                layers.columns(
                    streams,
                    |stream| {
                        let StreamState { frames, mobile, columns, .. } = state_of(stream);
                        MobileStream { frames, state: mobile, columns }
                    },
                    work,
                );
            }
        }
        if let Some(projection) = &self.projection {
            for stream in &mut *streams {
                let StreamState { columns, features, .. } = state_of(stream);
                projection.apply(each(columns, self.stacked), features);
                for value in features {
                    // what is not a number is kept, and seen in the scores
                    *value = if *value < 0.0 { 0.0 } else { *value };
                }
            }
        }
        if let Some(gate_inputs) = &self.gate_inputs {
            for stream in &mut *streams {
                let state = state_of(stream);
                let (features, width) = match &self.projection {
                    Some(projection) => (&state.features, projection.width()),
                    None => (&state.columns, self.stacked),
                };
                let run = self.projection.as_ref().map_or(width, PackedMatrix::outputs);
                let features = StridedInputs { run, ..each(features, width) };
                gate_inputs.apply(features, &mut state.gate_inputs);
            }
        }
        for stream in streams {
            self.push_features(state_of(stream));
        }
    }

    /// The last step of [`Self::push`]: from features to windows.
    fn push_features(&self, state: &mut StreamState) {
        let StreamState { frames, wanted, vectors, columns, features, gate_inputs, .. } = state;
        let (rows, width) = match (&self.gate_inputs, &self.projection) {
            (Some(matrix), _) => (&*gate_inputs, matrix.width()),
            (None, Some(matrix)) => (&*features, matrix.width()),
            (None, None) => (&*columns, self.stacked),
        };
        let (mut wanted, beside) = (wanted.iter().peekable(), self.sequence.features_pooled);
        for (index, row) in rows.chunks_exact(width).enumerate() {
            let beside =
                if beside { &columns[index * self.stacked..][..self.stacked] } else { &[] };
            if let Some((window, vector)) = self.sequence.push(row, beside, &mut state.windows)
                && wanted.next_if_eq(&&window).is_some()
            {
                vectors.extend_from_slice(vector);
            }
        }
        frames.clear();
    }

    /// Scores of windows.
    ///
    /// # Shapes
    /// `vectors`: those of the windows, one after another. `rows` becomes `[windows][labels, and more]`; gives the length of
    /// such a row.
    pub fn scores(&self, vectors: &[f32], rows: &mut Vec<f32>) -> usize {
        self.output.apply(each(vectors, self.sequence.width), rows);
        let (width, labels) = (self.output.width(), self.output.outputs());
        match self.activation {
            Activation::Sigmoid => rows.iter_mut().for_each(|logit| *logit = sigmoid(*logit)),
            Activation::Softmax => {
                rows.chunks_exact_mut(width).for_each(|row| softmax(&mut row[..labels]));
            }
        }
        width
    }
}

impl StreamState {
    /// Gives back what a first window needs and a hop does not.
    pub fn release(&mut self) {
        for values in
            [&mut self.frames, &mut self.columns, &mut self.features, &mut self.gate_inputs]
        {
            *values = Vec::new();
        }
    }

    /// Forgets all frames, as if new.
    pub fn reset(&mut self) {
        self.trunk.reset();
        self.mobile.reset();
        self.windows.reset();
    }
}

fn softmax(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in &mut *logits {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|value| *value /= sum);
}

/// StridedInputs that lie one after another.
fn each(values: &[f32], width: usize) -> StridedInputs<'_, impl Fn(usize) -> usize> {
    let start = move |vector| vector * width;
    StridedInputs { values, count: values.len() / width, start, run: width, stride: width }
}

/// The linear layer from stacked columns to a feature. libtorch stacks a column as `[channels][bands]`; here it lies as
/// `[bands][channels]`.
fn projection(structure: &Structure, mel_bands: i64, weights: &Weights) -> PackedMatrix {
    let shapes = structure.column_shapes(mel_bands);
    let [channels, bands] = shapes[shapes.len() - 1].map(|size| size as usize);
    let stacked = weights.values("projection.weight"); // [width][columns][channels][bands]
    let mut reordered = Vec::with_capacity(stacked.len()); // [width][columns][bands][channels]
    for column in stacked.chunks_exact(channels * bands) {
        for band in 0..bands {
            reordered.extend(column.iter().skip(band).step_by(bands));
        }
    }
    PackedMatrix::new(&reordered, weights.values("projection.bias"))
}

/// The two halves of an LSTM, so that what features contribute to the gates can be kept: features → gate inputs, both biases
/// included, and states → gate inputs.
fn lstm(weights: &Weights) -> (PackedMatrix, Recurrence) {
    let biases = weights.values("lstm.bias_ih_l0").iter().zip(weights.values("lstm.bias_hh_l0"));
    let bias: Vec<f32> = biases.map(|(input, recurrent)| input + recurrent).collect();
    let inputs = PackedMatrix::new(weights.values("lstm.weight_ih_l0"), &bias);
    let zeros = vec![0.0; bias.len()];
    let recurrent = PackedMatrix::new(weights.values("lstm.weight_hh_l0"), &zeros);
    (inputs, Recurrence { weights: recurrent })
}
