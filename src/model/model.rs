//! A model ready to score: plain data that threads, inputs and scenes share. Loaded by every command that scores.

use std::path::Path;
use std::sync::Arc;

use super::inference_network::InferenceNetwork;
use super::manifest::check_window_values;
use super::verifier::Verifier;
use super::{Bundle, BundleError, Figures, ModuleBundle, ModuleRuntime, NetworkError, Provenance};
use crate::domain::{LabelSet, MelWindow, SampleRate};
use crate::features::FeaturiserSpec;
use crate::recognition::ModelTraits;

/// What its bundle says of it, and packed weights or a module. Holds nothing of any input: that is in a scorer.
///
/// ```
/// use std::sync::Arc;
/// use tympan::model::{Model, NetworkScorer};
/// use tympan::recognition::Scorer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Arc::new(Model::open("models/esc50".as_ref())?);
/// assert_eq!(model.labels().len(), 52);
/// // a scorer costs kilobytes; all of them share the model
/// let scorers = [NetworkScorer::new(&model), NetworkScorer::new(&model)];
/// assert!(scorers.iter().all(|scorer| scorer.labels() == model.labels()));
/// # Ok(())
/// # }
/// ```
pub struct Model {
    name: String,
    network_words: String,
    featuriser: FeaturiserSpec,
    traits: ModelTraits,
    provenance: Provenance,
    figures: Figures,
    engine: ModelEngine,
}

/// What computes the scores.
pub(super) enum ModelEngine {
    /// A network of tympan's own, and what looks again.
    Network(Arc<InferenceNetwork>, Option<Verifier>),
    /// A module that others made.
    Module(Arc<dyn ModuleRuntime>),
}

impl Model {
    /// Reads, checks and packs the bundle in `folder`. Runs no code from it.
    ///
    /// # Errors
    /// [`BundleError`], naming file, what was found and what was expected.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        Bundle::load(folder).map(|bundle| Self::new(&bundle))
    }

    /// Folds and packs the weights of a bundle, and of its verifier's, if it has one.
    pub fn new(bundle: &Bundle) -> Self {
        let Bundle { manifest, labels, .. } = bundle;
        let network = Arc::new(InferenceNetwork::of_bundle(bundle));
        let network_words = match &bundle.verifier {
            Some(verifier) => {
                format!("{}; verifier: {}", manifest.network, verifier.manifest.network)
            }
            None => manifest.network.to_string(),
        };
        Self {
            name: manifest.name.clone(),
            network_words,
            featuriser: manifest.featuriser_spec(),
            traits: manifest.traits(labels),
            provenance: manifest.provenance.clone(),
            figures: manifest.figures.clone(),
            engine: ModelEngine::Network(network, Verifier::of(bundle)),
        }
    }

    /// A module that others made, which `runtime` runs. Nothing is known of what it was trained on.
    pub fn of_module(bundle: &ModuleBundle, runtime: Box<dyn ModuleRuntime>) -> Self {
        let manifest = &bundle.manifest;
        Self {
            name: manifest.name.clone(),
            network_words: manifest.to_string(),
            featuriser: manifest.featuriser_spec(),
            traits: bundle.traits(),
            provenance: Provenance::default(),
            figures: Figures::default(),
            engine: ModelEngine::Module(Arc::from(runtime)),
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its network, in words.
    pub fn network_words(&self) -> &str {
        &self.network_words
    }

    /// What it was trained on.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// What was measured with it; of no clips, if nothing is known.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The rate of the samples that it is made for.
    pub fn sample_rate(&self) -> SampleRate {
        self.featuriser.front_end.sample_rate_hz
    }

    /// The labels, in the order of the scores.
    pub fn labels(&self) -> &LabelSet {
        &self.traits.labels
    }

    /// Everything a window depends on.
    pub fn featuriser_spec(&self) -> FeaturiserSpec {
        self.featuriser.clone()
    }

    /// What a detector needs to know of the model.
    pub fn traits(&self) -> ModelTraits {
        self.traits.clone()
    }

    pub(super) fn engine(&self) -> &ModelEngine {
        &self.engine
    }

    /// Checks that windows have the model's size.
    ///
    /// # Errors
    /// [`NetworkError::WindowValues`].
    pub(super) fn check_windows(&self, windows: &[MelWindow]) -> Result<(), NetworkError> {
        let FeaturiserSpec { front_end, window, .. } = &self.featuriser;
        check_window_values(windows, window.frames * front_end.mel_bands)
    }
}
