//! A matrix laid out once for the processor's widest instructions, and its product with many vectors. What convolutions,
//! linear layers and the recurrent half of an LSTM spend their time in when only a few columns are new: libtorch lays
//! weights out again in every call, which at that size costs as much as the product. Used on the classify thread.

use std::array::from_fn;

use pulp::{Arch, Simd, WithSimd};

/// Tiles that lie side by side: all that a block of many vectors takes at a time.
const SIDE_BY_SIDE: usize = 2;

/// What caches move at a time, and what the widest load should not straddle.
const CACHE_LINE_BYTES: usize = 64;

/// Weights of `outputs` sums over `inputs` values, and a bias of each. Holds no state of any stream.
pub struct PackedMatrix {
    arch: Arch,
    inputs: usize,
    outputs: usize,
    /// `[pairs of tiles][inputs][two tiles][lanes]`, from `first` on, where a cache line begins, and `[inputs][lanes]` of a last
    /// tile that has no pair. Filled up with zeros.
    weights: Vec<f32>,
    first: usize,
    /// `[width]`
    bias: Vec<f32>,
}

/// The vectors that a matrix is multiplied with, read where they lie: each is runs of `run` values, `stride` from one run's
/// start to the next one's.
#[derive(Debug, Clone, Copy)]
pub struct StridedInputs<'a, Start> {
    pub values: &'a [f32],
    pub count: usize,
    /// Where a vector's first run starts.
    pub start: Start,
    pub run: usize,
    pub stride: usize,
}

impl PackedMatrix {
    /// Lays out `weights`, `[outputs][inputs]`.
    ///
    /// # Panics
    /// When there is nothing to sum, or no bias for some sum.
    pub fn new(weights: &[f32], bias: &[f32]) -> Self {
        let arch = Arch::new();
        Self::for_lanes(arch.dispatch(Lanes), arch, weights, bias)
    }

    fn for_lanes(lanes: usize, arch: Arch, weights: &[f32], bias: &[f32]) -> Self {
        let outputs = bias.len();
        let inputs = weights.len() / outputs;
        assert!(inputs > 0 && inputs * outputs == weights.len(), "{inputs} × {outputs}");
        let width = outputs.next_multiple_of(lanes);
        let padding = CACHE_LINE_BYTES / size_of::<f32>();
        let mut tiled = vec![0.0; width * inputs + padding];
        let first = tiled.as_ptr().align_offset(CACHE_LINE_BYTES).min(padding);
        let pair = SIDE_BY_SIDE * lanes;
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let start = output / pair * pair;
            // the tiles that lie side by side from there on
            let together = pair.min(width - start);
            for (input, weight) in row.iter().enumerate() {
                tiled[first + start * inputs + input * together + output - start] = *weight;
            }
        }
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(width, 0.0);
        Self { arch, inputs, outputs, weights: tiled, first, bias: padded_bias }
    }

    /// How many sums there are.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// From one vector's sums to the next one's: the sums, and zeros up to a whole number of instructions.
    pub fn width(&self) -> usize {
        self.bias.len()
    }

    /// The bias and all products, of each vector: `sums` becomes `[count][width]`.
    pub fn apply(&self, vectors: StridedInputs<'_, impl Fn(usize) -> usize>, sums: &mut Vec<f32>) {
        // each is written
        sums.resize(vectors.count * self.width(), 0.0);
        self.arch.dispatch(Products { matrix: self, vectors, sums, begin: Begin::Bias });
    }

    /// Adds the products to `sums`, `[count][width]`.
    pub fn add_products(
        &self,
        vectors: StridedInputs<'_, impl Fn(usize) -> usize>,
        sums: &mut [f32],
    ) {
        assert_eq!(sums.len(), vectors.count * self.width(), "a row of sums for each vector");
        self.arch.dispatch(Products { matrix: self, vectors, sums, begin: Begin::Sums });
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct Products<'a, Start> {
    matrix: &'a PackedMatrix,
    vectors: StridedInputs<'a, Start>,
    sums: &'a mut [f32],
    begin: Begin,
}

/// What products are added to.
#[derive(Clone, Copy)]
enum Begin {
    /// What the sums are already.
    Sums,
    /// The bias; what the sums were is overwritten.
    Bias,
}

impl<Start: Fn(usize) -> usize> WithSimd for Products<'_, Start> {
    type Output = ();

    /// Weights are read once: pair after pair of tiles, each for all vectors. As many sums are in flight as keep both
    /// multipliers busy, and no more than there are registers for.
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.vectors.count {
            0 => {}
            1 => self.strips::<S, 1, 4>(simd),
            2 => self.strips::<S, 2, 2>(simd),
            3 => self.strips::<S, 3, 2>(simd),
            _ => {
                let pair = SIDE_BY_SIDE * S::F32_LANES;
                let mut output = 0;
                while self.matrix.width() - output >= pair {
                    self.strip::<S, SIDE_BY_SIDE>(simd, output);
                    output += pair;
                }
                if output < self.matrix.width() {
                    self.strip::<S, 1>(simd, output);
                }
            }
        }
    }
}

impl<Start: Fn(usize) -> usize> Products<'_, Start> {
    /// All sums of the only `VECTORS` vectors there are.
    #[inline(always)]
    fn strips<S: Simd, const VECTORS: usize, const PAIRS: usize>(&mut self, simd: S) {
        let (pair, width) = (SIDE_BY_SIDE * S::F32_LANES, self.matrix.width());
        let mut output = 0;
        while width - output >= PAIRS * pair {
            self.block::<S, VECTORS, PAIRS, SIDE_BY_SIDE>(simd, 0, output);
            output += PAIRS * pair;
        }
        while width - output >= pair {
            self.block::<S, VECTORS, 1, SIDE_BY_SIDE>(simd, 0, output);
            output += pair;
        }
        if output < width {
            self.block::<S, VECTORS, 1, 1>(simd, 0, output);
        }
    }

    /// `TILES` tiles from `output` on for all vectors, in blocks as even as they can be: a last block of one would take as long
    /// as one of four.
    #[inline(always)]
    fn strip<S: Simd, const TILES: usize>(&mut self, simd: S, output: usize) {
        let max = if S::REGISTER_COUNT >= 32 { 8 } else { 4 };
        let count = self.vectors.count;
        let blocks = count.div_ceil(max);
        let mut first = 0;
        for block in 0..blocks {
            let size = (count - first).div_ceil(blocks - block);
            match size {
                8 => self.block::<S, 8, 1, TILES>(simd, first, output),
                7 => self.block::<S, 7, 1, TILES>(simd, first, output),
                6 => self.block::<S, 6, 1, TILES>(simd, first, output),
                5 => self.block::<S, 5, 1, TILES>(simd, first, output),
                4 => self.block::<S, 4, 1, TILES>(simd, first, output),
                3 => self.block::<S, 3, 1, TILES>(simd, first, output),
                _ => self.block::<S, 2, 1, TILES>(simd, first, output),
            }
            first += size;
        }
    }

    /// What `PAIRS` times `TILES` tiles from `output` on make of the vectors `first .. first + VECTORS`.
    #[inline(always)]
    fn block<S: Simd, const VECTORS: usize, const PAIRS: usize, const TILES: usize>(
        &mut self,
        simd: S,
        first: usize,
        output: usize,
    ) {
        let PackedMatrix { inputs, bias, weights, first: aligned, .. } = self.matrix;
        let StridedInputs { values, start, run, stride, .. } = &self.vectors;
        let lanes = PAIRS * TILES * S::F32_LANES;
        let weights = &weights[aligned + output * inputs..][..inputs * lanes];
        let (weights, _) = S::as_simd_f32s(weights);
        let (weights, _) = weights.as_chunks::<TILES>();
        let starts: [usize; VECTORS] = from_fn(|vector| start(first + vector));
        let mut sums = [[[simd.splat_f32s(0.0); TILES]; PAIRS]; VECTORS];
        for piece in 0..inputs / run {
            // slices of one known length: no bound is checked in the innermost loops
            let pairs: [&[[S::f32s; TILES]]; PAIRS] =
                from_fn(|pair| &weights[pair * inputs + piece * run..][..*run]);
            let values: [&[f32]; VECTORS] =
                from_fn(|vector| &values[starts[vector] + piece * stride..][..*run]);
            for input in 0..*run {
                for vector in 0..VECTORS {
                    let value = simd.splat_f32s(values[vector][input]);
                    for pair in 0..PAIRS {
                        for tile in 0..TILES {
                            let sum = &mut sums[vector][pair][tile];
                            *sum = simd.mul_add_f32s(value, pairs[pair][input][tile], *sum);
                        }
                    }
                }
            }
        }
        let (bias_row, _) = S::as_simd_f32s(&bias[output..][..lanes]);
        for (vector, sums) in sums.iter().enumerate() {
            let start = (first + vector) * bias.len() + output;
            let (row, _) = S::as_mut_simd_f32s(&mut self.sums[start..][..lanes]);
            for ((row, bias), sum) in row.iter_mut().zip(bias_row).zip(sums.as_flattened()) {
                let begin = match self.begin {
                    Begin::Sums => *row,
                    Begin::Bias => *bias,
                };
                *row = simd.add_f32s(begin, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(index: usize) -> f32 {
        (index * 7919 % 1009) as f32 / 504.0 - 1.0
    }

    type Start<'a> = &'a dyn Fn(usize) -> usize;

    /// Sums of every shape of block, of rests and of paddings, in the instructions of `S`, against the definition.
    fn check<S: Simd>(instructions: &str, compute: impl Fn(Products<'_, Start<'_>>)) {
        for (outputs, run, runs) in
            [(1, 1, 1), (5, 3, 3), (32, 3, 3), (50, 128, 1), (70, 9, 2), (130, 24, 3)]
        {
            for count in 0..20 {
                let inputs = run * runs;
                let weights: Vec<f32> = (0..inputs * outputs).map(number).collect();
                let bias = vec![0.0; outputs];
                let values: Vec<f32> =
                    (0..(run + 2 * count) * runs + 2 * count).map(number).collect();
                let matrix = PackedMatrix::for_lanes(S::F32_LANES, Arch::new(), &weights, &bias);
                // they overlap, and their runs are apart
                let (start, stride) = (|vector: usize| 2 * vector, run + 2 * count);
                let given = StridedInputs {
                    values: &values[..],
                    count,
                    start: &start as Start<'_>,
                    run,
                    stride,
                };
                let mut sums = vec![1.0; count * matrix.width()];
                compute(Products {
                    matrix: &matrix,
                    vectors: given,
                    sums: &mut sums,
                    begin: Begin::Sums,
                });
                for (vector, row) in sums.chunks_exact(matrix.width()).enumerate() {
                    for (output, sum) in row.iter().enumerate() {
                        let product = |input: usize| {
                            let value = values[start(vector) + input / run * stride + input % run];
                            f64::from(value) * f64::from(weights[output * inputs + input])
                        };
                        let inputs = if output < outputs { inputs } else { 0 };
                        let exact = 1.0 + (0..inputs).map(product).sum::<f64>();
                        let apart = (f64::from(*sum) - exact).abs();
                        assert!(apart < 2e-5, "{instructions}: {sum}, not {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn products_are_those_of_the_definition_in_any_instructions() {
        check::<pulp::Scalar>("plain", |sums| sums.with_simd(pulp::Scalar::new()));
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = pulp::x86::V3::try_new() {
            check::<pulp::x86::V3>("AVX2", |sums| avx2.vectorize(|| sums.with_simd(avx2)));
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = pulp::x86::V4::try_new() {
            check::<pulp::x86::V4>("AVX-512", |sums| avx512.vectorize(|| sums.with_simd(avx512)));
        }
    }

    #[test]
    fn what_is_applied_is_the_bias_and_all_products_of_every_vector() {
        let (weights, bias) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0]);
        let matrix = PackedMatrix::new(&weights, &bias);
        let mut sums = vec![9.0; 3];
        let values = [1.0, 0.0, 0.5];
        let vectors =
            StridedInputs { values: &values, count: 2, start: |it| it, run: 2, stride: 2 };
        matrix.apply(vectors, &mut sums);
        let rows: Vec<&[f32]> = sums.chunks_exact(matrix.width()).collect();
        assert_eq!(
            (rows.len(), &rows[0][..3], &rows[1][..3]),
            (2, &[11.0, 23.0, 35.0][..], &[11.0, 22.0, 33.0][..])
        );
        assert!(rows.iter().all(|row| row[3..].iter().all(|&rest| rest == 0.0)));
    }
}
