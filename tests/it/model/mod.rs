//! The networks and the bundle: the same scores however they are computed, and a clear word on every damaged bundle.

mod bundle;
mod network_docs;
mod network_sizes;
mod random_network;
#[cfg(feature = "torch")]
mod reference;
mod shared;
mod stored_scores;
mod verifier;

use std::path::{Path, PathBuf};

use tympan::domain::MelWindow;
use tympan::features::WindowSpec;
use tympan::model::{Bundle, ConvBlockSpec, CrnnSpec, Manifest, NetworkSpec, TimePooling};
use tympan::testing::random_bundle;

/// Labels of small bundles.
pub const LABELS: [&str; 3] = ["dog", "cat", "hen"];

/// Mel bands of small bundles.
pub const BANDS: usize = 8;

/// The bundle that is shipped.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50")
}

/// A network small enough to be made by the hundred.
pub fn small_network() -> NetworkSpec {
    let block = |channels, time_pool, band_pool| ConvBlockSpec { channels, time_pool, band_pool };
    NetworkSpec::Crnn(CrnnSpec {
        projection: 6,
        lstm_hidden: 5,
        pooling: TimePooling::Mean,
        blocks: vec![block(3, 2, 2), block(4, 1, 2)],
    })
}

/// Writes a bundle of three labels with a small network.
pub fn write_small_bundle(folder: &Path, seed: u64) -> Manifest {
    let window = WindowSpec { frames: 14, hop_frames: 2 };
    let bundle = random_bundle(small_network(), window, BANDS, &LABELS, seed).unwrap();
    let mut manifest = bundle.manifest;
    let weights = bundle.weights.to_bytes().unwrap();
    Bundle::write(folder, &mut manifest, &weights, "a card").unwrap();
    manifest
}

/// A window of `frames` × `mel_bands` values cut from an endless stream that `seed` determines.
pub fn window_at(seed: u64, start_frame: u64, frames: usize, mel_bands: usize) -> MelWindow {
    let mut window = MelWindow::zeros(frames, mel_bands);
    window.start_frame = start_frame;
    let first = start_frame * mel_bands as u64;
    for (offset, value) in window.values.iter_mut().enumerate() {
        let mut state =
            seed.wrapping_add((first + offset as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 27;
        *value = (state % 4_001) as f32 / 1_000.0 - 2.0;
    }
    window
}
