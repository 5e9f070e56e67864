//! The trunk of `mobile` in libtorch: batch norm in place, every weight trainable. Part of [`super::Network`]; without
//! gradients and dropout it is the reference engine's as well.

use tch::nn;
use tch::{TchError, Tensor};

use super::network_mode::NetworkMode;
use crate::model::{ActivationFunction, MobileBlockSpec, MobileLayers};

/// Epsilon of the batch norms: that of the published network whose weights training may start from.
const NORM_EPSILON: f64 = 1e-3;

/// Share of a batch in a batch norm's running statistics.
const NORM_MOMENTUM: f64 = 0.05;

/// First convolution, inverted residuals, last convolution.
#[derive(Debug)]
pub struct MobileTrunk {
    stem: Convolution,
    blocks: Vec<Block>,
    last: Convolution,
}

/// A convolution, its batch norm and what stands behind it.
#[derive(Debug)]
struct Convolution {
    conv: nn::Conv2D,
    stride: [i64; 2],
    padding: [i64; 2],
    groups: i64,
    norm: nn::BatchNorm,
    activation: Option<ActivationFunction>,
}

#[derive(Debug)]
struct Block {
    expand: Option<Convolution>,
    depthwise: Convolution,
    squeeze: Option<[nn::Linear; 2]>,
    project: Convolution,
    /// Columns at each end of the input that have no output, where the input is added to the output.
    residual: Option<i64>,
    whole_windows: bool,
}

/// Sizes of one convolution, in bands and in time.
struct Sizes {
    channels_in: i64,
    channels: i64,
    kernel: [i64; 2],
    stride: [i64; 2],
    groups: i64,
}

impl MobileTrunk {
    /// Creates the variables `stem`, `block0`, …, `last` under `root`.
    pub fn new(root: &nn::Path<'_>, layers: &MobileLayers, mode: NetworkMode) -> Self {
        let stem = Sizes {
            channels_in: 1,
            channels: layers.stem,
            kernel: [MobileLayers::STEM_KERNEL; 2],
            stride: [MobileLayers::STEM_STRIDE; 2],
            groups: 1,
        };
        let mut channels = layers.stem;
        let mut blocks = Vec::with_capacity(layers.blocks.len());
        for (index, spec) in layers.blocks.iter().enumerate() {
            let path = root / format!("block{index}");
            blocks.push(Block::new(&path, spec, channels, layers.whole_windows, mode));
            channels = spec.channels;
        }
        let hard_swish = Some(ActivationFunction::HardSwish);
        let last = Sizes::pointwise(channels, layers.last);
        let convolution = |name: &str, sizes: &Sizes| {
            Convolution::new(&(root / name), sizes, hard_swish, layers.whole_windows, mode)
        };
        Self { stem: convolution("stem", &stem), last: convolution("last", &last), blocks }
    }

    /// Columns of whole windows, means over bands; `train` as with tch's own modules.
    ///
    /// # Shapes
    /// `windows`: `[batch, frames, mel_bands]`. Returns `[batch, channels, 1, columns]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn columns(&self, windows: &Tensor, train: bool) -> Result<Tensor, TchError> {
        // laid out anew: convolutions would take the transposed strides for another memory format
        let frames = windows.f_transpose(1, 2)?.f_contiguous()?.f_unsqueeze(1)?; // [batch, 1, bands, frames]
        let mut columns = self.stem.forward(&frames, train)?; // [batch, channels, bands, columns]
        for block in &self.blocks {
            columns = block.forward(columns, train)?;
        }
        let columns = self.last.forward(&columns, train)?;
        columns.f_mean_dim(2, true, columns.kind())
    }
}

impl Sizes {
    fn pointwise(channels_in: i64, channels: i64) -> Self {
        Self { channels_in, channels, kernel: [1, 1], stride: [1, 1], groups: 1 }
    }
}

impl Convolution {
    fn new(
        path: &nn::Path<'_>,
        sizes: &Sizes,
        activation: Option<ActivationFunction>,
        whole_windows: bool,
        mode: NetworkMode,
    ) -> Self {
        let around = sizes.kernel.map(|size| (size - 1) / 2);
        // unpadded in time, unless a window is seen whole
        let padding = [around[0], if whole_windows { around[1] } else { 0 }];
        let config = nn::ConvConfigND {
            stride: sizes.stride,
            padding,
            dilation: [1, 1],
            groups: sizes.groups,
            // the batch norm has one
            bias: false,
            ws_init: mode.initial(nn::init::DEFAULT_KAIMING_NORMAL),
            bs_init: nn::Init::Const(0.0),
            padding_mode: nn::PaddingMode::Zeros,
        };
        let Sizes { channels_in, channels, kernel, stride, groups } = *sizes;
        let norm = nn::BatchNormConfig {
            eps: NORM_EPSILON,
            momentum: NORM_MOMENTUM,
            ws_init: nn::Init::Const(1.0),
            ..Default::default()
        };
        Self {
            conv: nn::conv(path / "conv", channels_in, channels, kernel, config),
            stride,
            padding,
            groups,
            norm: nn::batch_norm2d(path / "norm", channels, norm),
            activation,
        }
    }

    fn forward(&self, columns: &Tensor, train: bool) -> Result<Tensor, TchError> {
        // not by tch's own modules, which panic where no machine code may be made
        let Self { conv, stride, padding, groups, norm, .. } = self;
        let sums =
            columns.f_conv2d(&conv.ws, conv.bs.as_ref(), stride, padding, [1, 1], *groups)?;
        let sums = Tensor::f_batch_norm(
            &sums,
            norm.ws.as_ref(),
            norm.bs.as_ref(),
            Some(&norm.running_mean),
            Some(&norm.running_var),
            train,
            NORM_MOMENTUM,
            NORM_EPSILON,
            false,
        )?;
        match self.activation {
            Some(ActivationFunction::Relu) => sums.f_relu(),
            Some(ActivationFunction::HardSwish) => sums.f_hardswish(),
            None => Ok(sums),
        }
    }
}

impl Block {
    fn new(
        path: &nn::Path<'_>,
        spec: &MobileBlockSpec,
        channels_in: i64,
        whole_windows: bool,
        mode: NetworkMode,
    ) -> Self {
        let convolution = |name: &str, sizes: &Sizes, activation| {
            Convolution::new(&(path / name), sizes, activation, whole_windows, mode)
        };
        let activation = Some(spec.activation);
        let expand = (spec.expanded != channels_in).then(|| {
            let sizes = Sizes::pointwise(channels_in, spec.expanded);
            convolution("expand", &sizes, activation)
        });
        let depthwise = Sizes {
            channels_in: spec.expanded,
            channels: spec.expanded,
            kernel: [spec.band_kernel, spec.time_kernel],
            stride: [spec.band_stride, spec.time_stride],
            groups: spec.expanded,
        };
        let squeeze = (spec.squeeze > 0).then(|| {
            let linear = |name: &str, inputs: i64, outputs: i64| {
                let usual = nn::LinearConfig::default();
                let ws_init = mode.initial(usual.ws_init);
                let bs_init = Some(nn::Init::Const(0.0));
                let config = nn::LinearConfig { ws_init, bs_init, ..usual };
                nn::linear(&(path / "squeeze") / name, inputs, outputs, config)
            };
            [linear("fc1", spec.expanded, spec.squeeze), linear("fc2", spec.squeeze, spec.expanded)]
        });
        let project = Sizes::pointwise(spec.expanded, spec.channels);
        Self {
            expand,
            depthwise: convolution("depthwise", &depthwise, activation),
            squeeze,
            project: convolution("project", &project, None),
            residual: spec.is_residual(channels_in).then_some(match whole_windows {
                true => 0,
                false => (spec.time_kernel - 1) / 2,
            }),
            whole_windows,
        }
    }

    fn forward(&self, inputs: Tensor, train: bool) -> Result<Tensor, TchError> {
        let expanded = match &self.expand {
            Some(expand) => &expand.forward(&inputs, train)?,
            None => &inputs,
        };
        let mut columns = self.depthwise.forward(expanded, train)?; // [batch, expanded, bands, columns]
        if let Some([reduce, restore]) = &self.squeeze {
            let means = columns.f_mean_dim(2, false, columns.kind())?; // [batch, expanded, columns]
            let means = match self.whole_windows {
                true => means.f_mean_dim(2, true, means.kind())?, // [batch, expanded, 1]
                false => means,
            };
            let means = means.f_transpose(1, 2)?;
            let reduced = means.f_linear(&reduce.ws, reduce.bs.as_ref())?.f_relu()?;
            let gates = reduced.f_linear(&restore.ws, restore.bs.as_ref())?.f_sigmoid()?;
            columns = columns.f_mul(&gates.f_transpose(1, 2)?.f_unsqueeze(2)?)?;
        }
        let columns = self.project.forward(&columns, train)?;
        match self.residual {
            Some(edge) => columns.f_add(&inputs.f_narrow(3, edge, columns.size()[3])?),
            None => Ok(columns),
        }
    }
}
