//! Models of any network with random weights: small, made in no time, and good for everything but recognising sounds.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

use crate::domain::{DomainError, LabelSet};
use crate::features::{FrontEndSpec, Normaliser, WindowSpec};
use crate::model::{
    Activation, Bundle, Figures, Manifest, NetworkSpec, Provenance, TensorSpec, WeightTensor,
    Weights,
};
use crate::recognition::Thresholds;

/// Mean and deviation of every band, in dB: about those of ordinary recordings.
const NORMALISER: (f32, f32) = (-40.0, 15.0);

/// Random weights for `tensors`, such as [`NetworkSpec::tensors`] lists; the same `seed` gives the same weights. A signal
/// keeps its strength from layer to layer, no score saturates, and the batch norms have statistics as training leaves them.
pub fn random_weights(tensors: &[TensorSpec], seed: u64) -> Weights {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut by_name: Vec<&TensorSpec> = tensors.iter().collect();
    by_name.sort_by(|a, b| a.name.cmp(&b.name));
    let tensors = by_name.into_iter().map(|TensorSpec { name, shape }| {
        let (low, high) = if name.ends_with("running_var") || name.ends_with("norm.weight") {
            (0.5, 2.0)
        } else if shape.len() == 1 {
            (-0.5, 0.5)
        } else {
            let inputs: i64 = shape[1..].iter().product();
            let residual = [".expand.", ".depthwise.", ".project."].map(|it| name.contains(it));
            let strength = match name {
                _ if name.starts_with("output") => 0.5,
                // dozens of layers, and what came in is added: more would grow from one to the next
                _ if residual.contains(&true) => 3.0,
                _ => 6.0,
            };
            let bound = (strength / inputs as f32).sqrt();
            (-bound, bound)
        };
        let count = shape.iter().product::<i64>();
        let values = (0..count).map(|_| random.random_range(low..high)).collect();
        (name.clone(), WeightTensor { shape: shape.clone(), values })
    });
    Weights::new(tensors)
}

/// A model of a checked `network` with random weights and the standard front end, but for its number of mel bands. Every
/// label's events begin at 0.5 and end at 0.3.
///
/// ```
/// use std::sync::Arc;
/// use tympan::features::WindowSpec;
/// use tympan::model::{Model, NetworkKind, NetworkSpec};
/// use tympan::testing::random_bundle;
///
/// let network = NetworkSpec::standard(NetworkKind::Crnn);
/// let window = WindowSpec { frames: network.frames_near(94), hop_frames: 4 };
/// let bundle = random_bundle(network, window, 64, &["dog", "cat"], 1).unwrap();
/// let model = Arc::new(Model::new(&bundle));
/// assert_eq!(model.labels().len(), 2);
/// ```
///
/// # Errors
/// [`DomainError`] when the labels are not a label set.
pub fn random_bundle(
    network: NetworkSpec,
    window: WindowSpec,
    mel_bands: usize,
    labels: &[&str],
    seed: u64,
) -> Result<Bundle, DomainError> {
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let tensors = network.tensors(mel_bands as i64, labels.len() as i64);
    let thresholds = Thresholds { on: 0.5, off: 0.3 };
    let (mean, deviation) = NORMALISER;
    let manifest = Manifest {
        format_version: Bundle::FORMAT_VERSION,
        name: "random".into(),
        tympan_version: env!("CARGO_PKG_VERSION").into(),
        licence: "CC0-1.0".into(),
        activation: Activation::Sigmoid,
        non_events: Vec::new(),
        verifier: None,
        thresholds: labels.iter().map(|label| (label.clone(), thresholds)).collect(),
        weights_sha256: String::new(),
        window,
        network,
        provenance: Provenance {
            dataset: "none".into(),
            dataset_terms: "none".into(),
            seed,
            ..Provenance::default()
        },
        figures: Figures::default(),
        normaliser: Normaliser {
            mean: vec![mean; mel_bands],
            deviation: vec![deviation; mel_bands],
        },
        front_end: FrontEndSpec {
            mel_bands,
            ..FrontEndSpec::standard().expect("invariant: the standard front end is sound")
        },
        labels: labels.clone(),
    };
    let weights = random_weights(&tensors, seed);
    Ok(Bundle { manifest, labels: LabelSet::new(&labels)?, weights, verifier: None })
}
