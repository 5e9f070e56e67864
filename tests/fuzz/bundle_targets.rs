//! Both files of a model bundle as fuzz targets, and good ones to begin with.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tympan::domain::{MelWindow, Scores};
use tympan::features::{Featuriser, Normaliser};
use tympan::model::{
    Bundle, BundleError, Manifest, Model, NetworkKind, NetworkScorer, NetworkSpec,
};
use tympan::recognition::Scorer;
use tympan::testing::random_weights;

/// A bundle of three labels with a network of a few hundred weights.
const SMALL: &str = include_str!("seeds/model.toml");

/// The manifest of a bundle: it makes a model that can be used with weights that fit, or is refused with its place.
pub fn manifest(bytes: &[u8]) {
    let path = super::scratch("model.toml", bytes);
    let folder = path.parent().expect("the file is in a folder");
    super::scratch("weights.safetensors", small_weights());
    let Err(message) = Bundle::load(folder) else { return };
    check_words(&message, bytes.len());
    // the right hash would be hard to come by: what lies behind it is reached without
    if let BundleError::Hash { .. } = message {
        let text = String::from_utf8_lossy(bytes);
        let manifest: Manifest = toml::from_str(&text).expect("it was read before");
        match Bundle::from_parts(folder, manifest, small_weights()) {
            Ok(bundle) => use_bundle(&bundle),
            Err(error) => check_words(&error, bytes.len()),
        }
    }
}

/// The weights of a bundle: they make a network that scores, or are refused.
pub fn weights(bytes: &[u8]) {
    match Bundle::from_parts(Path::new("small"), small_manifest(), bytes) {
        Ok(bundle) => use_bundle(&bundle),
        Err(error) => check_words(&error, bytes.len()),
    }
}

/// That an error names its file, and says no more than a few times what was in it.
fn check_words(error: &BundleError, bytes: usize) {
    let message = error.to_string();
    let places = ["model.toml", "weights.safetensors"];
    assert!(places.iter().any(|place| message.contains(place)), "no place: {message}");
    assert!(message.len() < 2_000 + 8 * bytes, "{} bytes about {bytes}", message.len());
}

/// Does with a bundle what `run` does. Its numbers may be absurd; nothing may break over them.
fn use_bundle(bundle: &Bundle) {
    let traits = bundle.traits();
    assert_eq!(traits.thresholds.len(), bundle.labels.len());
    let spec = bundle.featuriser_spec();
    let rate = spec.front_end.sample_rate_hz;
    let featuriser = Featuriser::new(&spec, rate).expect("the bundle was checked");
    let window: MelWindow = featuriser.empty_window();
    // a long window is slow to score, and no other than a short one
    if window.values.len() > 1 << 14 {
        return;
    }
    let mut scorer = NetworkScorer::new(&Arc::new(Model::new(bundle)));
    let mut scores = [Scores::zeros(bundle.labels.len())];
    scorer.score_into(std::slice::from_ref(&window), &mut scores).expect("a window's scores");
    let strange =
        scores[0].values.iter().find(|score| !(score.is_nan() || (0.0..=1.0).contains(*score)));
    assert_eq!(strange, None, "a score that is no share");
}

/// Manifests that are good: the shipped one, the small one, and one of each kind of network.
pub fn manifests() -> Vec<Vec<u8>> {
    let shipped = include_str!("../../models/esc50/model.toml");
    let of_kind = |kind: NetworkKind| {
        let manifest: Manifest = toml::from_str(shipped).expect("the shipped manifest is one");
        let (network, window) = (NetworkSpec::standard(kind), kind.standard_window());
        let front_end = kind.standard_front_end().expect("the standard front end is sound");
        let (mean, deviation) = (vec![-40.0; front_end.mel_bands], vec![15.0; front_end.mel_bands]);
        let normaliser = Normaliser { mean, deviation };
        let manifest = Manifest { network, window, front_end, normaliser, ..manifest };
        toml::to_string(&manifest).expect("a manifest can be written").into_bytes()
    };
    let kinds = NetworkKind::ALL.into_iter().map(of_kind);
    [SMALL.into(), shipped.into()].into_iter().chain(kinds).collect()
}

/// Weights that are good, and what is hardly more than a header.
pub fn weight_files() -> Vec<Vec<u8>> {
    let small = small_weights();
    let mut none = 2_u64.to_le_bytes().to_vec();
    none.extend(b"{}");
    vec![small.to_vec(), none]
}

/// The bundle that manifests and weights are made from.
pub fn small_bundle() -> Result<Bundle, BundleError> {
    Bundle::from_parts(Path::new("small"), small_manifest(), small_weights())
}

fn small_manifest() -> Manifest {
    toml::from_str(SMALL).expect("the small manifest is one")
}

fn small_weights() -> &'static [u8] {
    static WEIGHTS: OnceLock<Vec<u8>> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let manifest = small_manifest();
        let (bands, labels) = (manifest.front_end.mel_bands as i64, manifest.labels.len() as i64);
        let tensors = manifest.network.tensors(bands, labels);
        random_weights(&tensors, 1).to_bytes().expect("weights can be written")
    })
}
