//! The trunk of `mobile` for frames that follow others: each depthwise convolution keeps its last columns, and only new ones
//! are computed. And that of `mobilenet`, for whole windows. A column is `[bands][channels]`. Part of
//! [`super::inference_network`]; runs on the classify thread.

use pulp::Arch;

use super::ActivationFunction;
use super::depthwise::Depthwise;
use super::folded_norm::folded;
use super::lstm_step::sigmoid;
use super::mobile_layers::MobileLayers;
use super::packed_matrix::{PackedMatrix, StridedInputs};
use super::weights::Weights;

/// A trunk with its weights laid out. Holds no state of any stream.
pub struct MobileTrunk {
    arch: Arch,
    mel_bands: usize,
    stem: PackedMatrix,
    /// Bands behind the first convolution.
    stem_bands: usize,
    blocks: Vec<Block>,
    last: PackedMatrix,
    /// Bands of the last column.
    last_bands: usize,
    whole_windows: bool,
    /// Frames that one column depends on, and from one column to the next.
    receptive_frames: usize,
    stride: usize,
}

/// An inverted residual.
struct Block {
    expand: Option<PackedMatrix>,
    depthwise: Depthwise,
    squeeze: Option<Squeeze>,
    project: PackedMatrix,
    residual: bool,
    whole_windows: bool,
    channels_in: usize,
    bands_in: usize,
    /// Bands of what comes out.
    bands: usize,
}

/// Squeeze and excitation over the bands of one column.
struct Squeeze {
    reduce: PackedMatrix,
    restore: PackedMatrix,
}

/// Frames beyond those that a first column depends on, which are taken in one go: a few hops.
const PART_FRAMES: usize = 32;

/// What is kept of a stream between two calls.
#[derive(Debug, Default)]
pub struct MobileState {
    /// The last frames that a first convolution needs again, zeros at both ends of each.
    frames: Vec<f32>,
    blocks: Vec<BlockState>,
    /// New columns on their way, `[columns][bands][channels]` between two blocks.
    columns: Vec<f32>,
    /// How many values of the new frames have been taken.
    taken: usize,
}

/// A stream's part in [`MobileTrunk::columns`].
pub struct MobileStream<'a> {
    /// `[frames][mel_bands]`
    pub frames: &'a [f32],
    pub state: &'a mut MobileState,
    /// Becomes `[columns][channels]`, means over bands.
    pub columns: &'a mut Vec<f32>,
}

#[derive(Debug, Default)]
struct BlockState {
    /// The depthwise convolution's last input columns, zeros at both ends of each.
    expanded: Vec<f32>,
    /// The block's last input columns, where they are added to its output.
    inputs: Vec<f32>,
}

/// What is worked in, by one stream after another.
#[derive(Debug, Default)]
pub struct MobileWork {
    sums: Vec<f32>,
    /// What a depthwise convolution gives.
    deep: Vec<f32>,
    /// `[columns][channels]`
    means: Vec<f32>,
    squeezed: Vec<f32>,
    gates: Vec<f32>,
}

impl MobileState {
    /// Gives back what is not in use.
    fn release(&mut self) {
        for block in &mut self.blocks {
            block.expanded.shrink_to_fit();
            block.inputs.shrink_to_fit();
        }
        self.columns = Vec::new();
    }

    /// Forgets all frames, as if fresh.
    pub fn reset(&mut self) {
        self.frames.clear();
        for block in &mut self.blocks {
            block.expanded.clear();
            block.inputs.clear();
        }
    }
}

impl MobileTrunk {
    /// Folds the batch norms of a checked trunk into its weights, and packs those.
    pub fn new(layers: &MobileLayers, mel_bands: usize, weights: &Weights) -> Self {
        let shapes = layers.block_shapes(mel_bands as i64);
        let kernel = [MobileLayers::STEM_KERNEL as usize; 2];
        let (stem, bias) = folded(weights, MobileLayers::NORM_EPSILON, "stem");
        let blocks = shapes.windows(2).enumerate();
        let blocks = blocks.map(|(index, shapes)| Block::new(index, layers, shapes, weights));
        let (last, last_bias) = folded(weights, MobileLayers::NORM_EPSILON, "last");
        Self {
            arch: Arch::new(),
            mel_bands,
            stem: PackedMatrix::new(&columns_first(&stem, kernel), &bias),
            stem_bands: shapes[0][1] as usize,
            blocks: blocks.collect(),
            last: PackedMatrix::new(&last, &last_bias),
            last_bands: shapes[shapes.len() - 1][1] as usize,
            whole_windows: layers.whole_windows,
            receptive_frames: layers.receptive_frames() as usize,
            stride: layers.time_stride() as usize,
        }
    }

    /// Columns of each stream's new frames, which follow those that its state remembers; nothing of a stream that has none. Each
    /// layer is applied to all streams before the next one, so that its weights come out of memory once.
    ///
    /// A fresh state takes as many frames as one column depends on plus any multiple of the stride; a used one any multiple
    /// of the stride. A trunk for whole windows takes one, and a fresh state.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many frames, but for the first ones of a segment.
    pub fn columns<T>(
        &self,
        streams: &mut [T],
        stream_of: impl Fn(&mut T) -> MobileStream<'_>,
        work: &mut MobileWork,
    ) {
        for stream in &mut *streams {
            let MobileStream { state, columns, .. } = stream_of(stream);
            state.taken = 0;
            columns.clear();
            if state.frames.is_empty() {
                // A first window is many hops. What it takes is held once, not by every input at a time, and not for ever.
                while self.round(std::slice::from_mut(stream), &stream_of, work) {}
                if !self.whole_windows {
                    stream_of(stream).state.release();
                }
            }
        }
        while self.round(streams, &stream_of, work) {}
    }

    /// Takes the next part of each stream through all layers; whether there was any.
    fn round<T>(
        &self,
        streams: &mut [T],
        stream_of: &impl Fn(&mut T) -> MobileStream<'_>,
        work: &mut MobileWork,
    ) -> bool {
        let mut is_any = false;
        for stream in &mut *streams {
            is_any |= self.begin_part(stream_of(stream), work);
        }
        for (index, block) in self.blocks.iter().enumerate() {
            for stream in &mut *streams {
                block.forward(self.arch, index, stream_of(stream).state, work);
            }
        }
        for stream in streams {
            self.end_part(stream_of(stream), work);
        }
        is_any
    }

    /// Takes the next frames of a stream through the first convolution; whether there were any.
    fn begin_part(&self, stream: MobileStream<'_>, work: &mut MobileWork) -> bool {
        let MobileStream { frames, state, .. } = stream;
        state.blocks.resize_with(self.blocks.len(), BlockState::default);
        state.columns.clear();
        let rest = &frames[state.taken..];
        if rest.is_empty() {
            return false;
        }
        let part = &rest[..self.part_of(rest, state)];
        state.taken += part.len();
        self.stem(part, state, &mut work.sums);
        true
    }

    /// Takes what has come through all blocks through the last layer.
    fn end_part(&self, stream: MobileStream<'_>, work: &mut MobileWork) {
        let MobileStream { state, columns, .. } = stream;
        if state.columns.is_empty() {
            return;
        }
        let sums = &mut work.sums;
        self.last.apply(places(&state.columns, work_channels(&self.blocks)), sums);
        let (width, channels) = (self.last.width(), self.last.outputs());
        self.arch.dispatch(|| {
            ActivationFunction::HardSwish.apply(sums);
            for column in sums.chunks_exact(self.last_bands * width) {
                let start = columns.len();
                columns.resize(start + channels, 0.0);
                mean_over_bands(column, width, &mut columns[start..]);
            }
        });
    }

    /// How many values of `frames` are taken in one go: all that is kept and worked in grows with that.
    fn part_of(&self, frames: &[f32], state: &MobileState) -> usize {
        if self.whole_windows {
            return frames.len();
        }
        let first = if state.frames.is_empty() { self.receptive_frames } else { 0 };
        let strides = PART_FRAMES / self.stride;
        frames.len().min((first + strides.max(1) * self.stride) * self.mel_bands)
    }

    fn stem(&self, frames: &[f32], state: &mut MobileState, sums: &mut Vec<f32>) {
        let MobileState { frames: kept, columns: out, .. } = state;
        let (kernel, stride) =
            (MobileLayers::STEM_KERNEL as usize, MobileLayers::STEM_STRIDE as usize);
        let padding = (kernel - 1) / 2;
        let column = self.mel_bands + 2 * padding;
        let time_padding = if self.whole_windows { padding * column } else { 0 };
        kept.resize(kept.len() + time_padding, 0.0);
        for frame in frames.chunks_exact(self.mel_bands) {
            let start = kept.len();
            kept.resize(start + column, 0.0);
            kept[start + padding..][..self.mel_bands].copy_from_slice(frame);
        }
        kept.resize(kept.len() + time_padding, 0.0);
        let columns = (kept.len() / column - kernel) / stride + 1;
        let vectors = StridedInputs {
            values: kept,
            count: columns * self.stem_bands,
            start: |place| {
                place / self.stem_bands * stride * column + place % self.stem_bands * stride
            },
            run: kernel,
            stride: column,
        };
        self.stem.apply(vectors, sums);
        self.arch.dispatch(|| ActivationFunction::HardSwish.apply(sums));
        compact(sums, &self.stem, out);
        forget(kept, columns * stride * column);
    }
}

/// Channels of the last block's output.
fn work_channels(blocks: &[Block]) -> usize {
    blocks.last().map_or(0, |block| block.project.outputs())
}

impl Block {
    /// The block `index` of a trunk, which turns columns of `shapes[0]` into such of `shapes[1]`.
    fn new(index: usize, layers: &MobileLayers, shapes: &[[i64; 2]], weights: &Weights) -> Self {
        let spec = &layers.blocks[index];
        let [channels_in, bands_in] = shapes[0].map(|size| size as usize);
        let expand = (spec.expanded as usize != channels_in).then(|| {
            let (matrix, bias) =
                folded(weights, MobileLayers::NORM_EPSILON, &format!("block{index}.expand"));
            PackedMatrix::new(&matrix, &bias)
        });
        let (project, bias) =
            folded(weights, MobileLayers::NORM_EPSILON, &format!("block{index}.project"));
        let linear = |layer: &str| {
            let values =
                |kind: &str| weights.values(&format!("block{index}.squeeze.{layer}.{kind}"));
            PackedMatrix::new(values("weight"), values("bias"))
        };
        Self {
            expand,
            depthwise: Depthwise::new(index, spec, bands_in, weights),
            squeeze: (spec.squeeze > 0)
                .then(|| Squeeze { reduce: linear("fc1"), restore: linear("fc2") }),
            project: PackedMatrix::new(&project, &bias),
            residual: spec.is_residual(shapes[0][0]),
            whole_windows: layers.whole_windows,
            channels_in,
            bands_in,
            bands: shapes[1][1] as usize,
        }
    }

    /// Turns a stream's new columns of this block's input, if there are any, into those of its output. It is the block `index`.
    fn forward(&self, arch: Arch, index: usize, state: &mut MobileState, work: &mut MobileWork) {
        let MobileWork { sums, deep, means, squeezed, gates } = work;
        let MobileState { columns, blocks, .. } = state;
        if columns.is_empty() {
            return;
        }
        let (Self { depthwise, .. }, state) = (self, &mut blocks[index]);
        let beyond = if self.whole_windows { depthwise.kernel[1] - 1 } else { 0 };
        let padding = beyond / 2 * depthwise.column_values();
        state.expanded.resize(state.expanded.len() + padding, 0.0);
        match &self.expand {
            Some(expand) => {
                expand.apply(places(columns, self.channels_in), sums);
                arch.dispatch(|| depthwise.activation.apply(sums));
                depthwise.append(sums, expand.width(), &mut state.expanded);
            }
            None => depthwise.append(columns, self.channels_in, &mut state.expanded),
        }
        state.expanded.resize(state.expanded.len() + padding, 0.0);
        let count = depthwise.forward(arch, &state.expanded, deep);
        if let Some(Squeeze { reduce, restore }) = &self.squeeze {
            // what shares a mean, and so its gates
            let columns = if self.whole_windows { count } else { 1 };
            let column = columns * self.bands * depthwise.channels;
            means.clear();
            means.resize(count / columns * depthwise.channels, 0.0);
            arch.dispatch(|| {
                let means = means.chunks_exact_mut(depthwise.channels);
                for (mean, column) in means.zip(deep.chunks_exact(column)) {
                    mean_over_bands(column, depthwise.channels, mean);
                }
            });
            reduce.apply(places(means, depthwise.channels), squeezed);
            arch.dispatch(|| ActivationFunction::Relu.apply(squeezed));
            let inputs = places(squeezed, reduce.width());
            restore.apply(StridedInputs { run: reduce.outputs(), ..inputs }, gates);
            arch.dispatch(|| {
                let gates = gates.chunks_exact_mut(restore.width());
                for (gates, column) in gates.zip(deep.chunks_exact_mut(column)) {
                    let gates = &mut gates[..depthwise.channels];
                    gates.iter_mut().for_each(|gate| *gate = sigmoid(*gate));
                    for values in column.chunks_exact_mut(depthwise.channels) {
                        values.iter_mut().zip(&*gates).for_each(|(value, gate)| *value *= gate);
                    }
                }
            });
        }
        self.project.apply(places(deep, depthwise.channels), sums);
        if self.residual {
            state.inputs.extend_from_slice(columns);
        }
        compact(sums, &self.project, columns);
        let used = count * depthwise.stride[1];
        if self.residual {
            let column = self.bands_in * self.channels_in;
            let centre = (depthwise.kernel[1] - 1 - beyond) / 2 * column;
            for (output, input) in columns.iter_mut().zip(&state.inputs[centre..]) {
                *output += input;
            }
            forget(&mut state.inputs, used * column);
        }
        forget(&mut state.expanded, used * depthwise.column_values());
    }
}

/// Kernels over `[bands, columns]` of a single channel with their columns first, as frames lie.
fn columns_first(kernels: &[f32], [bands, columns]: [usize; 2]) -> Vec<f32> {
    let kernels = kernels.chunks_exact(bands * columns);
    kernels
        .flat_map(|kernel| {
            (0..columns)
                .flat_map(move |column| kernel.iter().skip(column).step_by(columns).copied())
        })
        .collect()
}

/// Vectors of `channels` values, one after another.
fn places(values: &[f32], channels: usize) -> StridedInputs<'_, impl Fn(usize) -> usize> {
    let start = move |place| place * channels;
    let count = values.len() / channels;
    StridedInputs { values, count, start, run: channels, stride: channels }
}

/// The sums of a matrix without the zeros that fill up its rows.
fn compact(sums: &[f32], matrix: &PackedMatrix, out: &mut Vec<f32>) {
    out.clear();
    for row in sums.chunks_exact(matrix.width()) {
        out.extend_from_slice(&row[..matrix.outputs()]);
    }
}

/// Removes the first values.
fn forget(values: &mut Vec<f32>, used: usize) {
    values.copy_within(used.., 0);
    values.truncate(values.len() - used);
}

/// The mean of a column's places, which lie `width` apart.
#[inline(always)]
fn mean_over_bands(column: &[f32], width: usize, mean: &mut [f32]) {
    let places = column.chunks_exact(width);
    let share = 1.0 / places.len() as f32;
    for values in places {
        mean.iter_mut().zip(values).for_each(|(mean, value)| *mean += value * share);
    }
}
