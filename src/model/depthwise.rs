//! A convolution of each channel alone, over columns of `[bands][channels]`. Part of [`super::mobile_trunk`]; runs on the
//! classify thread.

use std::array::from_fn;

use pulp::{Arch, Simd, WithSimd};

use super::folded_norm::folded;
use super::mobile_layers::MobileLayers;
use super::weights::Weights;
use super::{ActivationFunction, MobileBlockSpec};

/// Output bands that are summed at a time: each weight is loaded once for all of them.
const BANDS_AT_A_TIME: usize = 4;

/// Its weights, the batch norm behind it folded in, and its activation. Holds no state of any stream.
pub struct Depthwise {
    /// `[columns][bands][channels]`
    weights: Vec<f32>,
    /// `[channels]`
    bias: Vec<f32>,
    /// In bands and in time, as all sizes here.
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub channels: usize,
    /// Bands of an input column without its padding.
    bands: usize,
    /// Bands of zeros at each end of an input column.
    padding: usize,
    pub activation: ActivationFunction,
}

impl Depthwise {
    /// That of the block `index`, for columns of so many bands.
    pub fn new(index: usize, spec: &MobileBlockSpec, bands: usize, weights: &Weights) -> Self {
        let (kernels, bias) =
            folded(weights, MobileLayers::NORM_EPSILON, &format!("block{index}.depthwise"));
        let [kernel_bands, kernel_columns] =
            [spec.band_kernel, spec.time_kernel].map(|size| size as usize);
        let channels = bias.len();
        let mut reordered = Vec::with_capacity(kernels.len());
        for column in 0..kernel_columns {
            for band in 0..kernel_bands {
                let first = kernels.iter().skip(band * kernel_columns + column);
                reordered.extend(first.step_by(kernel_bands * kernel_columns));
            }
        }
        Self {
            weights: reordered,
            bias,
            kernel: [kernel_bands, kernel_columns],
            stride: [spec.band_stride, spec.time_stride].map(|size| size as usize),
            channels,
            bands,
            padding: spec.band_padding() as usize,
            activation: spec.activation,
        }
    }

    /// Values of an input column, zeros included.
    pub fn column_values(&self) -> usize {
        (self.bands + 2 * self.padding) * self.channels
    }

    /// Adds columns whose places lie `width` apart to `columns`, with zeros at both ends of each.
    pub fn append(&self, values: &[f32], width: usize, columns: &mut Vec<f32>) {
        for column in values.chunks_exact(self.bands * width) {
            let padding = self.padding * self.channels;
            columns.resize(columns.len() + padding, 0.0);
            for values in column.chunks_exact(width) {
                columns.extend_from_slice(&values[..self.channels]);
            }
            columns.resize(columns.len() + padding, 0.0);
        }
    }

    /// `outputs` becomes `[columns][bands][channels]`; gives how many columns.
    pub fn forward(&self, arch: Arch, inputs: &[f32], outputs: &mut Vec<f32>) -> usize {
        let columns = (inputs.len() / self.column_values() - self.kernel[1]) / self.stride[1] + 1;
        let bands = self.bands.div_ceil(self.stride[0]);
        // every one of them is written
        outputs.resize(columns * bands * self.channels, 0.0);
        arch.dispatch(Convolve { layer: self, inputs, outputs });
        arch.dispatch(|| self.activation.apply(outputs));
        columns
    }
}

struct Convolve<'a> {
    layer: &'a Depthwise,
    inputs: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Depthwise { kernel, stride, channels, .. } = self.layer;
        let column = self.layer.column_values();
        let bands = self.layer.bands.div_ceil(stride[0]);
        for (time, outputs) in self.outputs.chunks_exact_mut(bands * channels).enumerate() {
            let inputs = &self.inputs[time * stride[1] * column..][..kernel[1] * column];
            let mut band = 0;
            while bands - band >= BANDS_AT_A_TIME {
                self.layer.bands::<S, BANDS_AT_A_TIME>(simd, inputs, band, outputs);
                band += BANDS_AT_A_TIME;
            }
            while band < bands {
                self.layer.bands::<S, 1>(simd, inputs, band, outputs);
                band += 1;
            }
        }
    }
}

impl Depthwise {
    /// `BANDS` bands of an output column, from `band` on.
    #[inline(always)]
    fn bands<S: Simd, const BANDS: usize>(
        &self,
        simd: S,
        inputs: &[f32],
        band: usize,
        outputs: &mut [f32],
    ) {
        let mut channel = 0;
        while self.channels - channel >= S::F32_LANES {
            let load = |values: &[f32]| {
                let (vectors, _) = S::as_simd_f32s(&values[..S::F32_LANES]);
                vectors[0]
            };
            let sums = self.sums::<S, BANDS>(simd, inputs, [band, channel], load);
            for (band, sum) in (band..).zip(sums) {
                let output = &mut outputs[band * self.channels + channel..][..S::F32_LANES];
                let (vectors, _) = S::as_mut_simd_f32s(output);
                vectors[0] = sum;
            }
            channel += S::F32_LANES;
        }
        let rest = self.channels - channel;
        if rest > 0 {
            let load = |values: &[f32]| simd.partial_load_f32s(&values[..rest]);
            let sums = self.sums::<S, BANDS>(simd, inputs, [band, channel], load);
            for (band, sum) in (band..).zip(sums) {
                let output = &mut outputs[band * self.channels + channel..][..rest];
                simd.partial_store_f32s(output, sum);
            }
        }
    }

    /// The sums of `BANDS` bands and of as many channels as `load` takes, from `band` and `channel` on. Sizes that are known when
    /// this is compiled keep weights and inputs in registers.
    #[inline(always)]
    fn sums<S: Simd, const BANDS: usize>(
        &self,
        simd: S,
        inputs: &[f32],
        place: [usize; 2],
        load: impl Fn(&[f32]) -> S::f32s,
    ) -> [S::f32s; BANDS] {
        match (self.kernel[0], self.stride[0]) {
            (3, 1) => self.sums_of::<S, BANDS, 3, 1>(simd, inputs, place, load),
            (3, 2) => self.sums_of::<S, BANDS, 3, 2>(simd, inputs, place, load),
            (5, 1) => self.sums_of::<S, BANDS, 5, 1>(simd, inputs, place, load),
            (5, 2) => self.sums_of::<S, BANDS, 5, 2>(simd, inputs, place, load),
            _ => self.sums_of_any::<S, BANDS>(simd, inputs, place, load),
        }
    }

    /// As [`Self::sums`], for a kernel of `KERNEL` bands and a stride of `STRIDE`. An input that lies in several output bands is
    /// loaded once.
    #[inline(always)]
    fn sums_of<S: Simd, const BANDS: usize, const KERNEL: usize, const STRIDE: usize>(
        &self,
        simd: S,
        inputs: &[f32],
        [band, channel]: [usize; 2],
        load: impl Fn(&[f32]) -> S::f32s,
    ) -> [S::f32s; BANDS] {
        let (channels, column) = (self.channels, self.column_values());
        let mut sums = [load(&self.bias[channel..]); BANDS];
        for time in 0..self.kernel[1] {
            let inputs = &inputs[time * column + band * STRIDE * channels..];
            let weights = &self.weights[time * KERNEL * channels..];
            let weights: [S::f32s; KERNEL] =
                from_fn(|tap| load(&weights[tap * channels + channel..]));
            for place in 0..(BANDS - 1) * STRIDE + KERNEL {
                let input = load(&inputs[place * channels + channel..]);
                for (index, sum) in sums.iter_mut().enumerate() {
                    let first = index * STRIDE;
                    if first <= place && place < first + KERNEL {
                        *sum = simd.mul_add_f32s(input, weights[place - first], *sum);
                    }
                }
            }
        }
        sums
    }

    /// As [`Self::sums`], for sizes that no published network has.
    #[inline(always)]
    fn sums_of_any<S: Simd, const BANDS: usize>(
        &self,
        simd: S,
        inputs: &[f32],
        [band, channel]: [usize; 2],
        load: impl Fn(&[f32]) -> S::f32s,
    ) -> [S::f32s; BANDS] {
        let [kernel_bands, kernel_columns] = self.kernel;
        let (channels, column) = (self.channels, self.column_values());
        let mut sums = [load(&self.bias[channel..]); BANDS];
        for time in 0..kernel_columns {
            let inputs = &inputs[time * column..][..column];
            let weights = &self.weights[time * kernel_bands * channels..];
            for tap in 0..kernel_bands {
                let weight = load(&weights[tap * channels + channel..]);
                for (index, sum) in sums.iter_mut().enumerate() {
                    let place = (band + index) * self.stride[0] + tap;
                    let input = load(&inputs[place * channels + channel..]);
                    *sum = simd.mul_add_f32s(input, weight, *sum);
                }
            }
        }
        sums
    }
}
