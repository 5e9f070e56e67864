//! The convolutions of `conv1d`, `cnn` and `crnn` for frames that follow others: each layer keeps its last columns, and
//! only new ones are convolved. Part of [`super::inference_network`]; runs on the classify thread.

use pulp::{Arch, Simd, WithSimd};

use super::folded_norm::folded;
use super::packed_matrix::{PackedMatrix, StridedInputs};
use super::structure::{ConvLayer, Structure};
use super::weights::Weights;

/// Epsilon of the batch norms: PyTorch's default, which training uses.
const NORM_EPSILON: f32 = 1e-5;

/// Convolutions with their weights laid out. Holds no state of any stream.
pub struct ConvTrunk {
    arch: Arch,
    blocks: Vec<Block>,
}

/// One convolution, ReLU and max pooling. A column is `[bands][channels]`: then all that one place in bands sees of a
/// column lies in one piece.
struct Block {
    matrix: PackedMatrix,
    channels_in: usize,
    bands: usize,
    /// In bands and in time, as all sizes here.
    kernel: [usize; 2],
    pool: [usize; 2],
    /// Zeros at each end of an input column.
    padding: usize,
}

/// What is kept of a stream between two calls: the last input columns of every convolution.
#[derive(Debug, Default)]
pub struct TrunkState {
    /// For each block `[kernel − 1][bands, and zeros at both ends][channels]`; empty before the first frames.
    columns: Vec<Vec<f32>>,
}

impl TrunkState {
    /// Forgets all frames, as if fresh.
    pub fn reset(&mut self) {
        self.columns.iter_mut().for_each(Vec::clear);
    }
}

impl ConvTrunk {
    /// Folds the batch norms of a checked network's convolutions into their weights, and packs those.
    pub fn new(structure: &Structure, mel_bands: i64, weights: &Weights) -> Self {
        let shapes = structure.column_shapes(mel_bands);
        let layers = structure.convolutions().iter().zip(shapes).enumerate();
        let blocks = layers.map(|(index, (layer, shape))| Block::new(index, layer, shape, weights));
        Self { arch: Arch::new(), blocks: blocks.collect() }
    }

    /// Columns of new frames that follow those `state` remembers.
    ///
    /// A fresh `state` takes as many frames as one feature depends on plus any multiple of the stride; a used one any
    /// multiple of the stride. Then every convolution and pool consumes its input exactly, so nothing but the last columns
    /// is kept.
    ///
    /// # Shapes
    /// `frames`: `[frames][mel_bands]`. `columns` becomes `[columns][bands_left][channels]`; `sums` is worked in.
    ///
    /// # Real time
    /// Does not allocate once it was called with as many frames.
    pub fn columns(
        &self,
        frames: &[f32],
        state: &mut TrunkState,
        sums: &mut Vec<f32>,
        columns: &mut Vec<f32>,
    ) {
        columns.clear();
        let Some(first) = self.blocks.first() else {
            columns.extend_from_slice(frames);
            return;
        };
        state.columns.resize_with(self.blocks.len(), Vec::new);
        for frame in frames.chunks_exact(first.bands * first.channels_in) {
            add_column(&mut state.columns[0], frame.len(), first.padding).copy_from_slice(frame);
        }
        for (index, block) in self.blocks.iter().enumerate() {
            let (inputs, later) = state.columns[index..].split_at_mut(1);
            let inputs = &mut inputs[0];
            block.convolve(inputs, sums);
            let (pooled, padding) = match (later.first_mut(), self.blocks.get(index + 1)) {
                (Some(input), Some(next)) => (input, next.padding),
                _ => (&mut *columns, 0),
            };
            self.arch.dispatch(Pool { block, sums, pooled, padding });
            let kept = (block.kernel[1] - 1) * block.column_values();
            let used = inputs.len() - kept;
            inputs.copy_within(used.., 0);
            inputs.truncate(kept);
        }
    }
}

impl Block {
    /// The block `index` of a network, which gets columns of `[channels, bands]`.
    fn new(index: usize, layer: &ConvLayer, shape: [i64; 2], weights: &Weights) -> Self {
        let [channels_in, bands] = shape.map(|size| size as usize);
        let kernel = layer.kernel.map(|size| size as usize);
        let [kernel_bands, kernel_columns] = kernel;
        // [channels][channels_in][bands][columns]
        let (kernels, bias) = folded(weights, NORM_EPSILON, &format!("block{index}"));
        // what one sum sees, in the order in which it lies in the columns
        let mut reordered = Vec::with_capacity(kernels.len()); // [channels][columns][bands][channels_in]
        let size = channels_in * kernel_bands * kernel_columns;
        for kernel in kernels.chunks_exact(size) {
            for place in 0..kernel_columns * kernel_bands {
                let (column, band) = (place / kernel_bands, place % kernel_bands);
                let weights = kernel.iter().skip(band * kernel_columns + column);
                reordered.extend(weights.step_by(kernel_bands * kernel_columns));
            }
        }
        let pool = layer.pool.map(|size| size as usize);
        let padding = layer.padding()[0] as usize * channels_in;
        let matrix = PackedMatrix::new(&reordered, &bias);
        Self { matrix, channels_in, bands, kernel, pool, padding }
    }

    /// Values of an input column, zeros included.
    fn column_values(&self) -> usize {
        self.bands * self.channels_in + 2 * self.padding
    }

    /// `sums` becomes `[columns][bands][width]`.
    fn convolve(&self, inputs: &[f32], sums: &mut Vec<f32>) {
        let column = self.column_values();
        let columns = inputs.len() / column + 1 - self.kernel[1];
        let vectors = StridedInputs {
            values: inputs,
            count: columns * self.bands,
            start: |place| place / self.bands * column + place % self.bands * self.channels_in,
            run: self.kernel[0] * self.channels_in,
            stride: column,
        };
        self.matrix.apply(vectors, sums);
    }
}

/// The largest sum of each pool, or zero if that is larger, added to `pooled` column by column; several at a time, as what
/// is inlined into `with_simd` is.
struct Pool<'a> {
    block: &'a Block,
    sums: &'a [f32],
    pooled: &'a mut Vec<f32>,
    padding: usize,
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { block: Block { matrix, bands, pool: [band_pool, time_pool], .. }, .. } = self;
        let (width, channels) = (matrix.width(), matrix.outputs());
        for columns in self.sums.chunks_exact(time_pool * bands * width) {
            let column = add_column(self.pooled, bands / band_pool * channels, self.padding);
            for (band, largest) in column.chunks_exact_mut(channels).enumerate() {
                for place in 0..time_pool * band_pool {
                    let (time, band) = (place / band_pool, band * band_pool + place % band_pool);
                    let sums = &columns[(time * bands + band) * width..][..channels];
                    for (largest, sum) in largest.iter_mut().zip(sums) {
                        // what is not a number is kept, and seen in the scores
                        if *sum > *largest || sum.is_nan() {
                            *largest = *sum;
                        }
                    }
                }
            }
        }
    }
}

/// Adds a column of `values` zeros to `columns`, with `padding` more at each end, and gives it.
#[inline(always)]
fn add_column(columns: &mut Vec<f32>, values: usize, padding: usize) -> &mut [f32] {
    let start = columns.len() + padding;
    columns.resize(start + values + padding, 0.0);
    &mut columns[start..][..values]
}
