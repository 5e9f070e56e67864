//! Batch norms folded into the convolutions before them. Part of the trunks' loading.

use super::weights::Weights;

/// The weights of a convolution with its batch norm folded in, as they lie in the file, and its bias; `epsilon` is
/// the batch norm's.
pub fn folded(weights: &Weights, epsilon: f32, name: &str) -> (Vec<f32>, Vec<f32>) {
    let values = |tensor: &str| weights.values(&format!("{name}.{tensor}"));
    let gain = values("norm.weight").iter().zip(values("norm.running_var"));
    let scale: Vec<f32> = gain.map(|(gain, variance)| gain / (variance + epsilon).sqrt()).collect();
    let shift = values("norm.bias").iter().zip(values("norm.running_mean")).zip(&scale);
    let bias = shift.map(|((shift, mean), scale)| shift - mean * scale).collect();
    let kernels = values("conv.weight");
    let size = kernels.len() / scale.len();
    let kernels = kernels.chunks_exact(size).zip(&scale);
    (kernels.flat_map(|(kernel, scale)| kernel.iter().map(move |it| it * scale)).collect(), bias)
}
