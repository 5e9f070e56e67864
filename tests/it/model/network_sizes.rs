//! What follows from a network's sizes alone: how many weights, how much computing, which windows; and which sizes are
//! refused, in which words.

use proptest::prelude::*;
use tympan::features::WindowSpec;
use tympan::model::{
    Bundle, Conv1dBlockSpec, Conv1dSpec, ConvBlockSpec, LstmSpec, NetworkKind, NetworkSpec,
    TimePooling,
};

use super::random_network::any_network;
use super::{BANDS, shipped, small_network};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_layers_together_have_all_parameters(
        network in any_network(),
        bands in 8i64..20,
        labels in 1i64..5,
    ) {
        let frames = network.receptive_frames();
        let window = WindowSpec { frames, hop_frames: frames };
        let of_layers: i64 =
            network.layers(bands, window, labels).iter().map(|layer| layer.parameters).sum();
        prop_assert_eq!(network.parameters(bands, labels), of_layers);
    }

    #[test]
    fn the_nearest_window_is_on_the_grid_and_none_is_nearer(
        network in any_network(),
        wanted in 1usize..200,
    ) {
        let accepts = |frames| network.check(BANDS, frames, network.time_stride()).is_ok();
        let nearest = network.frames_near(wanted);
        prop_assert!(accepts(nearest), "{nearest} frames are refused");
        let distance = nearest.abs_diff(wanted);
        let nearer = (wanted.saturating_sub(distance) + 1..wanted + distance)
            .find(|&frames| frames.abs_diff(wanted) < distance && accepts(frames));
        prop_assert_eq!(nearer, None);
    }
}

#[test]
fn multiplications_are_those_counted_by_hand() {
    // 14 frames of 8 bands; blocks of 3 and 4 channels, pools of 2 and 1 frames, 2 and 2 bands; projection 6, LSTM 5
    let convolutions = 12 * 8 * 3 * 9 + 4 * 4 * 4 * 3 * 9;
    let rest = 4 * 6 * (4 * 2) + 4 * (4 * 5 * (6 + 5)) + 3 * 5;
    assert_eq!(small_network().multiply_adds(8, 14, 3), convolutions + rest);
    // two new frames give two columns of the first block, one of the second, one feature
    let convolutions = 2 * 8 * 3 * 9 + 4 * 4 * 3 * 9;
    let rest = 6 * (4 * 2) + 4 * 5 * 6 + 4 * (4 * 5 * 5) + 3 * 5;
    let window = WindowSpec { frames: 14, hop_frames: 2 };
    assert_eq!(small_network().multiply_adds_per_hop(8, window, 3), convolutions + rest);
    let attention = small_network().with_pooling(TimePooling::Attention);
    assert_eq!(
        attention.multiply_adds(8, 14, 3) - small_network().multiply_adds(8, 14, 3),
        2 * 4 * 5
    );
}

#[test]
fn every_standard_network_takes_the_standard_window() {
    for kind in NetworkKind::ALL {
        let network = NetworkSpec::standard(kind);
        assert_eq!(network.kind(), kind);
        let WindowSpec { frames, hop_frames } = kind.standard_window();
        assert_eq!(network.frames_near(frames), frames, "{kind}");
        let bands = kind.standard_front_end().unwrap().mel_bands;
        network.check(bands, frames, hop_frames).unwrap();
    }
}

#[test]
fn kinds_are_known_by_name_and_no_other() {
    for kind in NetworkKind::ALL {
        assert_eq!(kind.to_string().parse::<NetworkKind>().unwrap(), kind);
        let manifest = toml::to_string(&NetworkSpec::standard(kind)).unwrap();
        assert!(manifest.contains(&format!("kind = \"{kind}\"")), "{manifest}");
        assert_eq!(toml::from_str::<NetworkSpec>(&manifest).unwrap(), NetworkSpec::standard(kind));
    }
    let error = "transformer".parse::<NetworkKind>().unwrap_err().to_string();
    assert!(
        error.contains("transformer") && error.contains("conv1d, cnn, lstm, crnn or mobile"),
        "{error}"
    );
}

#[test]
fn a_manifest_from_before_pooling_had_a_name_means_the_mean() {
    let manifest = std::fs::read_to_string(shipped().join("model.toml")).unwrap();
    let network = Bundle::load(&shipped()).unwrap().manifest.network;
    let old = manifest.replace("pooling = \"attention\"\n", "");
    let network_alone = |text: &str| text.parse::<toml::Table>().unwrap()["network"].to_string();
    assert!(!network_alone(&old).contains("pooling"));
    let read: NetworkSpec =
        toml::from_str::<toml::Table>(&old).unwrap()["network"].clone().try_into().unwrap();
    assert_eq!(read, network.with_pooling(TimePooling::Mean));
}

#[track_caller]
fn refused(network: &NetworkSpec, bands: usize, window: [usize; 2], words: &str) {
    let error = network.check(bands, window[0], window[1]).unwrap_err().to_string();
    assert!(error.contains(words), "{words:?} is not in: {error}");
}

#[test]
fn windows_off_the_grid_are_refused() {
    for kind in [NetworkKind::Conv1d, NetworkKind::Cnn, NetworkKind::Crnn] {
        let network = NetworkSpec::standard(kind);
        assert_eq!((network.receptive_frames(), network.time_stride()), (26, 4));
        assert_eq!(network.features_of(94), 18);
        refused(&network, 64, [95, 4], "window.frames is 95");
        refused(&network, 64, [22, 4], "26 plus a multiple of 4");
        refused(&network, 64, [94, 6], "window.hop_frames is 6");
        refused(&network, 64, [94, 0], "window.hop_frames is 0");
    }
    let lstm = NetworkSpec::standard(NetworkKind::Lstm);
    assert_eq!((lstm.receptive_frames(), lstm.time_stride(), lstm.features_of(94)), (2, 2, 47));
    refused(&lstm, 64, [95, 2], "window.frames is 95");
    refused(&NetworkSpec::standard(NetworkKind::Crnn), 8, [94, 4], "8 mel bands away");
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_computed_with_them() {
    let block = |channels, kernel, time_pool| Conv1dBlockSpec { channels, kernel, time_pool };
    let conv1d = |blocks| NetworkSpec::Conv1d(Conv1dSpec { pooling: TimePooling::Mean, blocks });
    refused(&conv1d(vec![]), 8, [14, 2], "number of blocks is 0");
    refused(&conv1d(vec![block(1, 1, 1); 9]), 8, [14, 2], "number of blocks is 9");
    refused(&conv1d(vec![block(i64::MAX, 3, 2)]), 8, [14, 2], "channels is 9223372036854775807");
    refused(&conv1d(vec![block(4, 0, 2)]), 8, [14, 2], "kernel is 0");
    refused(&conv1d(vec![block(4, 17, 2)]), 8, [14, 2], "kernel is 17");
    refused(&conv1d(vec![block(4, 3, -1)]), 8, [14, 2], "time_pool is -1");
    let lstm = |frames_per_step, projection, lstm_hidden| {
        let pooling = TimePooling::Mean;
        NetworkSpec::Lstm(LstmSpec { frames_per_step, projection, lstm_hidden, pooling })
    };
    refused(&lstm(0, 4, 4), 8, [14, 2], "frames_per_step is 0");
    refused(&lstm(i64::MAX, 4, 4), 8, [14, 2], "frames_per_step is 9223372036854775807");
    refused(&lstm(2, i64::MIN, 4), 8, [14, 2], "projection is -9223372036854775808");
    refused(&lstm(2, 4, 5000), 8, [14, 2], "lstm_hidden is 5000");
    refused(&lstm(2, 4, 4), usize::MAX, [14, 2], "front_end.mel_bands");
    refused(&lstm(2, 4, 4), 0, [14, 2], "front_end.mel_bands is 0");
    refused(&lstm(2, 4, 4), 8, [usize::MAX, 2], "window.frames");
    // few weights, but more memory than any machine has
    let wide = vec![ConvBlockSpec { channels: 4096, time_pool: 1, band_pool: 1 }];
    let NetworkSpec::Cnn(mut cnn) = NetworkSpec::standard(NetworkKind::Cnn) else { unreachable!() };
    cnn.blocks = wide;
    refused(&NetworkSpec::Cnn(cnn), 64, [60_000, 4], "15728640000 values in one layer");
    // the largest of everything that is accepted as a size
    refused(&conv1d(vec![block(4096, 16, 16); 8]), 4096, [65_536, 4096], "window.frames");
}
