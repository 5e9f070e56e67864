//! The networks and the bundle: the same scores however they are computed, and a clear word on every damaged bundle.

mod bundle;
mod incremental;
mod network_docs;
mod network_sizes;
mod random_network;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use tch::Tensor;
use tch::nn::VarStore;
use tympan::domain::MelWindow;
use tympan::features::{FrontEndSpec, Normaliser, WindowSpec};
use tympan::model::{
    Activation, Bundle, ConvBlockSpec, CrnnSpec, Figures, Manifest, Network, NetworkMode,
    NetworkSpec, Provenance, TimePooling, with_random_seed, write_weights,
};
use tympan::recognition::Thresholds;

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

/// A network as training would leave it, with weights that `seed` determines, and its variables.
pub fn trained_network(
    spec: &NetworkSpec,
    mel_bands: usize,
    labels: usize,
    seed: u64,
) -> (Network, HashMap<String, Tensor>) {
    let store = VarStore::new(tch::Device::Cpu);
    let network = with_random_seed(seed, || {
        Network::new(
            &store.root(),
            spec,
            mel_bands as i64,
            labels as i64,
            NetworkMode::Training { dropout: 0.5 },
        )
    });
    let variables = store.variables();
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    for (name, variable) in BTreeMap::from_iter(&variables) {
        let shape = variable.size();
        // batch norms whose statistics are not those of an untrained network, or folding would test nothing
        let (low, high) = if name.ends_with("running_var") || name.ends_with("norm.weight") {
            (0.5, 2.0)
        } else if shape.len() == 1 {
            (-0.5, 0.5)
        } else {
            // what keeps the strength of a signal from layer to layer, but lets no score saturate
            let inputs: i64 = shape[1..].iter().product();
            let strength = if name.starts_with("output") { 0.5 } else { 6.0 };
            let bound = (strength / inputs as f32).sqrt();
            (-bound, bound)
        };
        let values: Vec<f32> =
            (0..variable.numel()).map(|_| random.random_range(low..high)).collect();
        let values = Tensor::from_slice(&values).reshape(&shape);
        tch::no_grad(|| variable.shallow_clone().copy_(&values));
    }
    (network, variables)
}

/// Writes a bundle of three labels with a small network.
pub fn write_small_bundle(folder: &Path, seed: u64) -> Manifest {
    let network = small_network();
    let (_, variables) = trained_network(&network, BANDS, LABELS.len(), seed);
    write_bundle(folder, network, WindowSpec { frames: 14, hop_frames: 2 }, &variables)
}

/// Writes a bundle of three labels with these weights.
pub fn write_bundle(
    folder: &Path,
    network: NetworkSpec,
    window: WindowSpec,
    variables: &HashMap<String, Tensor>,
) -> Manifest {
    let thresholds = Thresholds { on: 0.5, off: 0.3 };
    let mut manifest = Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: "small".into(),
        tympan_version: "0.0.0".into(),
        licence: "CC0".into(),
        activation: Activation::Sigmoid,
        labels: LABELS.map(str::to_owned).to_vec(),
        weights_sha256: String::new(),
        window,
        network,
        provenance: Provenance {
            dataset: "none".into(),
            dataset_terms: "none".into(),
            train_folds: vec![],
            validation_folds: vec![],
            train_clips: 0,
            split_clips: 0,
            background_clips: 0,
            command: String::new(),
            seed: 0,
            epochs: 0,
            leaky: false,
            split_words: String::new(),
            chosen_epoch: None,
            cleaning: Default::default(),
            split: Default::default(),
        },
        figures: Figures::default(),
        thresholds: LABELS
            .iter()
            .map(|label| ((*label).to_owned(), thresholds))
            .collect::<BTreeMap<_, _>>(),
        normaliser: Normaliser { mean: vec![-40.0; BANDS], deviation: vec![15.0; BANDS] },
        front_end: FrontEndSpec { mel_bands: BANDS, ..FrontEndSpec::standard().unwrap() },
    };
    let weights = write_weights(variables).unwrap();
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
