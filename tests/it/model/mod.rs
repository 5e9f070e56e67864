//! The network and the bundle: the same scores however they are computed, and a clear word on every damaged bundle.

mod bundle;
mod incremental;
mod training;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::nn::VarStore;
use tympan::domain::MelWindow;
use tympan::features::{FrontEndSpec, Normaliser, WindowSpec};
use tympan::model::{
    Activation, Bundle, ConvBlockSpec, Crnn, CrnnSpec, Figures, Manifest, NetworkSpec, Provenance,
    write_weights,
};
use tympan::recognition::Thresholds;

/// The bundle that is shipped.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50")
}

/// A network small enough to be made by the hundred.
pub fn small_network() -> CrnnSpec {
    let block = |channels, time_pool, band_pool| ConvBlockSpec { channels, time_pool, band_pool };
    CrnnSpec { projection: 6, lstm_hidden: 5, blocks: vec![block(3, 2, 2), block(4, 1, 2)] }
}

/// Writes a bundle of three labels with random weights.
pub fn write_small_bundle(folder: &Path, seed: i64) -> Manifest {
    let network = small_network();
    let front_end = FrontEndSpec { mel_bands: 8, ..FrontEndSpec::standard().unwrap() };
    tch::manual_seed(seed);
    let store = VarStore::new(tch::Device::Cpu);
    Crnn::new(&store.root(), &network, 8, 3, 0.0);
    let labels = ["dog", "cat", "hen"];
    let thresholds = Thresholds { on: 0.5, off: 0.3 };
    let mut manifest = Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: "small".into(),
        tympan_version: "0.0.0".into(),
        licence: "CC0".into(),
        activation: Activation::Sigmoid,
        labels: labels.map(str::to_owned).to_vec(),
        weights_sha256: String::new(),
        window: WindowSpec { frames: 14, hop_frames: 2 },
        network: NetworkSpec::Crnn(network),
        provenance: Provenance {
            dataset: "none".into(),
            dataset_terms: "none".into(),
            train_folds: vec![],
            validation_folds: vec![],
            train_clips: 0,
            background_clips: 0,
            command: String::new(),
            seed: 0,
            epochs: 0,
        },
        figures: Figures::default(),
        thresholds: labels
            .iter()
            .map(|label| ((*label).to_owned(), thresholds))
            .collect::<BTreeMap<_, _>>(),
        normaliser: Normaliser { mean: vec![-40.0; 8], deviation: vec![15.0; 8] },
        front_end,
    };
    let weights = write_weights(&store.variables()).unwrap();
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
