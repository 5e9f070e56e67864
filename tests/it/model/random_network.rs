//! Networks of any kind and of any sizes, small, for the properties that hold for all of them.

use proptest::prelude::*;
use tympan::features::WindowSpec;
use tympan::model::{
    ActivationFunction, CnnSpec, Conv1dBlockSpec, Conv1dSpec, ConvBlockSpec, CrnnSpec, LstmSpec,
    MobileBlockSpec, MobileNetSpec, MobileSpec, NetworkSpec, TimePooling,
};

fn pooling() -> impl Strategy<Value = TimePooling> {
    prop_oneof![Just(TimePooling::Mean), Just(TimePooling::Attention)]
}

/// At most three blocks: eight bands can be halved three times.
fn blocks() -> impl Strategy<Value = Vec<ConvBlockSpec>> {
    let block = (1i64..6, 1i64..4, 1i64..3).prop_map(|(channels, time_pool, band_pool)| {
        ConvBlockSpec { channels, time_pool, band_pool }
    });
    prop::collection::vec(block, 1..4)
}

fn conv1d() -> impl Strategy<Value = NetworkSpec> {
    // a kernel of 1 has nothing to keep, an even one no middle
    let block = (1i64..6, 1i64..6, 1i64..4)
        .prop_map(|(channels, kernel, time_pool)| Conv1dBlockSpec { channels, kernel, time_pool });
    (pooling(), prop::collection::vec(block, 1..4))
        .prop_map(|(pooling, blocks)| NetworkSpec::Conv1d(Conv1dSpec { pooling, blocks }))
}

fn cnn() -> impl Strategy<Value = NetworkSpec> {
    (1i64..7, pooling(), blocks()).prop_map(|(projection, pooling, blocks)| {
        NetworkSpec::Cnn(CnnSpec { projection, pooling, blocks })
    })
}

fn lstm() -> impl Strategy<Value = NetworkSpec> {
    (1i64..5, 1i64..7, 1i64..7, pooling()).prop_map(
        |(frames_per_step, projection, lstm_hidden, pooling)| {
            NetworkSpec::Lstm(LstmSpec { frames_per_step, projection, lstm_hidden, pooling })
        },
    )
}

fn crnn() -> impl Strategy<Value = NetworkSpec> {
    (1i64..7, 1i64..7, pooling(), blocks()).prop_map(
        |(projection, lstm_hidden, pooling, blocks)| {
            NetworkSpec::Crnn(CrnnSpec { projection, lstm_hidden, pooling, blocks })
        },
    )
}

/// Residual and not, with and without an expansion, with a stride in either direction.
fn mobile() -> impl Strategy<Value = NetworkSpec> {
    let sizes = (1i64..4, 1i64..12, 0i64..3, 0i64..3, 1i64..3, 1i64..3, 0i64..4);
    let block = (sizes, any::<bool>()).prop_map(|(sizes, relu)| {
        let (channels, expanded, band_half, time_half, band_stride, time_stride, squeeze) = sizes;
        MobileBlockSpec {
            channels,
            expanded,
            band_kernel: 2 * band_half + 1,
            time_kernel: 2 * time_half + 1,
            band_stride,
            time_stride: time_stride.min(2 * time_half + 1),
            squeeze,
            activation: match relu {
                true => ActivationFunction::Relu,
                false => ActivationFunction::HardSwish,
            },
        }
    });
    let sizes = (1i64..4, 1i64..7, 1i64..7, pooling(), prop::collection::vec(block, 1..5));
    (sizes, any::<bool>()).prop_map(
        |((stem, last, lstm_hidden, pooling, blocks), whole_windows)| match whole_windows {
            true => NetworkSpec::MobileNet(MobileNetSpec { stem, last, pooling, blocks }),
            false => NetworkSpec::Mobile(MobileSpec { stem, last, lstm_hidden, pooling, blocks }),
        },
    )
}

/// A network of any kind.
pub fn any_network() -> impl Strategy<Value = NetworkSpec> {
    prop_oneof![conv1d(), cnn(), lstm(), crnn(), mobile()]
}

/// A network of any kind and a window on its grid.
pub fn any_network_and_window() -> impl Strategy<Value = (NetworkSpec, WindowSpec)> {
    (any_network(), 0usize..6, 1usize..4).prop_map(|(network, beyond_first, hop)| {
        let stride = network.time_stride();
        let frames = network.receptive_frames() + beyond_first * stride;
        let hop = (hop * stride).min(frames / stride * stride);
        (network, WindowSpec { frames, hop_frames: hop })
    })
}
