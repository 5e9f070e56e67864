//! The convolutions of `conv1d`, `cnn` and `crnn` for frames that follow others: each layer keeps its last columns, and
//! only new ones are convolved. Made from [`super::folded_trunk`]; called by [`super::incremental_network`] on the classify
//! thread.

use pulp::{Arch, Simd, WithSimd};
use tch::TchError;

use super::folded_trunk::{FoldedBlock, FoldedTrunk};
use super::tiled_matrix::{TiledMatrix, Vectors};

/// Convolutions with their weights laid out. Holds no state of any stream.
pub struct IncrementalTrunk {
    arch: Arch,
    blocks: Vec<Block>,
}

/// One convolution, ReLU and max pooling. A column is `[bands][channels]`: then all that one place in bands sees of a
/// column lies in one piece.
struct Block {
    matrix: TiledMatrix,
    channels_in: usize,
    bands: usize,
    /// In bands and in time, as all sizes here.
    kernel: [usize; 2],
    pool: [usize; 2],
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

impl IncrementalTrunk {
    /// Lays out the weights of a trunk.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(trunk: &FoldedTrunk) -> Result<Self, TchError> {
        let [_, mut bands] = trunk.frame_shape;
        let mut blocks = Vec::new();
        for block in &trunk.blocks {
            blocks.push(Block::new(block, bands as usize)?);
            bands /= block.layer.pool[0];
        }
        Ok(Self { arch: Arch::new(), blocks })
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
            add_column(&mut state.columns[0], frame.len(), first.padding()).copy_from_slice(frame);
        }
        for (index, block) in self.blocks.iter().enumerate() {
            let (inputs, later) = state.columns[index..].split_at_mut(1);
            let inputs = &mut inputs[0];
            block.convolve(inputs, sums);
            let (pooled, padding) = match (later.first_mut(), self.blocks.get(index + 1)) {
                (Some(input), Some(next)) => (input, next.padding()),
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
    fn new(block: &FoldedBlock, bands: usize) -> Result<Self, TchError> {
        let channels_in = block.weight.size()[1];
        // what one sum sees, in the order in which it lies in the columns
        let weights = block.weight.f_permute([0, 3, 2, 1])?; // [channels, columns, bands, channels_in]
        Ok(Self {
            matrix: TiledMatrix::of(&weights, &block.bias)?,
            channels_in: channels_in as usize,
            bands,
            kernel: block.layer.kernel.map(|size| size as usize),
            pool: block.layer.pool.map(|size| size as usize),
        })
    }

    /// Zeros at each end of an input column.
    fn padding(&self) -> usize {
        (self.kernel[0] - 1) / 2 * self.channels_in
    }

    /// Values of an input column, zeros included.
    fn column_values(&self) -> usize {
        self.bands * self.channels_in + 2 * self.padding()
    }

    /// `sums` becomes `[columns][bands][width]`.
    fn convolve(&self, inputs: &[f32], sums: &mut Vec<f32>) {
        let column = self.column_values();
        let columns = inputs.len() / column + 1 - self.kernel[1];
        let vectors = Vectors {
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
