//! What each layer of a network makes of a window, how many weights it has and how much it computes. For documents,
//! reports and the bound on what a bundle may ask for.

use super::TimePooling;
use super::mobile_layers::{MobileLayers, strided};
use super::structure::{Structure, Trunk};
use super::weights::TensorSpec;
use crate::features::WindowSpec;

/// One layer's shape and cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCost {
    /// Its name; that of its variables, where it has any.
    pub name: String,
    /// What it makes of one window, after its pooling.
    ///
    /// # Shapes
    /// `[channels, bands, columns]` of a convolution; `[features, width]` of projection and LSTM; `[width]` after pooling
    /// over time.
    pub output: Vec<i64>,
    /// Numbers in the weights file.
    pub parameters: i64,
    /// Multiplications for a window from scratch, each with its addition. Padding counts; batch norm (folded into the
    /// convolution), ReLU, max pooling, the LSTM's pointwise products and a plain mean do not.
    pub multiply_adds: i64,
    /// The same when the window a hop before was computed already.
    pub multiply_adds_per_hop: i64,
}

/// Layers of a checked structure, first to last.
pub fn layer_costs(
    structure: &Structure,
    mel_bands: i64,
    window: WindowSpec,
    labels: i64,
) -> Vec<LayerCost> {
    let tensors = structure.tensors(mel_bands, labels);
    let parameters = |layer: &str| {
        let of_layer = |tensor: &&TensorSpec| tensor.name.split('.').next() == Some(layer);
        tensors.iter().filter(of_layer).map(TensorSpec::values).sum::<i64>()
    };
    let mut costs = match &structure.trunk {
        Trunk::Convolutions(_) => convolution_costs(structure, mel_bands, window, &parameters),
        Trunk::Mobile(layers) => mobile_costs(layers, mel_bands, window, &parameters),
    };
    let features = structure.features_of(window.frames as i64);
    let new_features = window.hop_frames as i64 / structure.time_stride();
    let width = structure.feature_width(mel_bands);
    if structure.projection.is_some() {
        let stacked = structure.stacked_width(mel_bands);
        costs.push(LayerCost {
            name: "projection".into(),
            output: vec![features, width],
            parameters: parameters("projection"),
            multiply_adds: features * width * stacked,
            multiply_adds_per_hop: new_features * width * stacked,
        });
    }
    // from here on everything is computed for each window
    let whole = |name: &str, output: Vec<i64>, multiply_adds: i64| LayerCost {
        name: name.into(),
        output,
        parameters: parameters(name),
        multiply_adds,
        multiply_adds_per_hop: multiply_adds,
    };
    if let Some(hidden) = structure.lstm_hidden {
        // four gates; what a feature contributes to them is kept, the states are not
        let (inputs, recurrent) = (4 * hidden * width, 4 * hidden * hidden);
        costs.push(LayerCost {
            name: "lstm".into(),
            output: vec![features, hidden],
            parameters: parameters("lstm"),
            multiply_adds: features * (inputs + recurrent),
            multiply_adds_per_hop: new_features * inputs + features * recurrent,
        });
    }
    let states = structure.state_width(mel_bands);
    costs.push(match structure.pooling {
        TimePooling::Mean => whole("mean", vec![states], 0),
        // a weight for each state, then their weighted sum
        TimePooling::Attention => whole("attention", vec![states], 2 * features * states),
    });
    costs.push(whole("output", vec![labels], labels * states));
    costs
}

fn convolution_costs(
    structure: &Structure,
    mel_bands: i64,
    window: WindowSpec,
    parameters: &dyn Fn(&str) -> i64,
) -> Vec<LayerCost> {
    let (mut columns, mut new_columns) = (window.frames as i64, window.hop_frames as i64);
    let shapes = structure.column_shapes(mel_bands);
    let layers = structure.convolutions().iter().enumerate().zip(shapes.windows(2));
    layers
        .map(|((index, layer), shapes)| {
            let ([channels_in, bands], [channels, bands_left]) = (shapes[0], shapes[1]);
            columns -= layer.kernel[1] - 1;
            let weights = channels * channels_in * layer.kernel[0] * layer.kernel[1];
            let (all, new) = (columns * bands * weights, new_columns * bands * weights);
            columns /= layer.pool[1];
            new_columns /= layer.pool[1];
            let name = format!("block{index}");
            LayerCost {
                output: vec![channels, bands_left, columns],
                parameters: parameters(&name),
                multiply_adds: all,
                multiply_adds_per_hop: new,
                name,
            }
        })
        .collect()
}

/// Layers of a trunk of inverted residuals, first to last.
fn mobile_costs(
    layers: &MobileLayers,
    mel_bands: i64,
    window: WindowSpec,
    parameters: &dyn Fn(&str) -> i64,
) -> Vec<LayerCost> {
    let shapes = layers.block_shapes(mel_bands);
    // of a whole window, and new ones of a hop
    let mut columns = [window.frames as i64, window.hop_frames as i64];
    let narrowed = |[all, new]: [i64; 2], kernel: i64, stride: i64| {
        if layers.whole_windows {
            [strided(all, stride); 2]
        } else {
            [(all - kernel) / stride + 1, new / stride]
        }
    };
    let cost = |name: &str, output: Vec<i64>, [all, new]: [i64; 2]| LayerCost {
        name: name.into(),
        output,
        parameters: parameters(name),
        multiply_adds: all,
        multiply_adds_per_hop: new,
    };
    columns = narrowed(columns, MobileLayers::STEM_KERNEL, MobileLayers::STEM_STRIDE);
    let [channels, bands] = shapes[0];
    let stem = columns
        .map(|it| it * bands * channels * MobileLayers::STEM_KERNEL * MobileLayers::STEM_KERNEL);
    let mut costs = vec![cost("stem", vec![channels, bands, columns[0]], stem)];
    for (index, (block, pair)) in layers.blocks.iter().zip(shapes.windows(2)).enumerate() {
        let ([channels_in, bands_in], [channels, bands]) = (pair[0], pair[1]);
        let expansion = match block.expanded == channels_in {
            true => 0,
            false => bands_in * channels_in * block.expanded,
        };
        let expanding = columns.map(|it| it * expansion);
        columns = narrowed(columns, block.time_kernel, block.time_stride);
        let kernel = block.band_kernel * block.time_kernel;
        let column = bands * block.expanded * (kernel + channels);
        let squeeze = 2 * block.squeeze * block.expanded;
        let rest = columns
            .map(|it| it * column + if layers.whole_windows { squeeze } else { it * squeeze });
        let sums = [expanding[0] + rest[0], expanding[1] + rest[1]];
        costs.push(cost(&format!("block{index}"), vec![channels, bands, columns[0]], sums));
    }
    let [channels, bands] = shapes[shapes.len() - 1];
    let last = columns.map(|it| it * bands * channels * layers.last);
    costs.push(cost("last", vec![layers.last, 1, columns[0]], last));
    costs
}
