//! A model ready to score: plain data that threads, inputs and scenes share. Loaded by every command that scores.

use std::path::Path;

use super::inference_network::InferenceNetwork;
use super::stream::Stream;
use super::{Bundle, BundleError, Manifest};
use crate::domain::LabelSet;
use crate::features::FeaturiserSpec;
use crate::recognition::ModelTraits;

/// Manifest, labels and packed weights. Holds nothing of any input: that is in a [`Stream`] of each.
///
/// ```
/// use std::sync::Arc;
/// use tympan::model::{Model, NetworkScorer};
/// use tympan::recognition::Scorer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Arc::new(Model::open("models/esc50".as_ref())?);
/// assert_eq!(model.labels().len(), 50);
/// // a scorer costs kilobytes; all of them share the model
/// let scorers = [NetworkScorer::new(&model), NetworkScorer::new(&model)];
/// assert!(scorers.iter().all(|scorer| scorer.labels() == model.labels()));
/// # Ok(())
/// # }
/// ```
pub struct Model {
    manifest: Manifest,
    labels: LabelSet,
    network: InferenceNetwork,
}

impl Model {
    /// Reads, checks and packs the bundle in `folder`. Runs no code from it.
    ///
    /// # Errors
    /// [`BundleError`], naming file, what was found and what was expected.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        Bundle::load(folder).map(|bundle| Self::new(&bundle))
    }

    /// Folds and packs the weights of a bundle.
    pub fn new(bundle: &Bundle) -> Self {
        let Bundle { manifest, labels, weights } = bundle;
        let network = InferenceNetwork::new(
            &manifest.network.structure(),
            manifest.front_end.mel_bands,
            manifest.window,
            weights,
        );
        Self { manifest: manifest.clone(), labels: labels.clone(), network }
    }

    /// Everything about the model but its weights.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The labels, in the order of the scores.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Everything a window depends on.
    pub fn featuriser_spec(&self) -> FeaturiserSpec {
        self.manifest.featuriser_spec()
    }

    /// What a detector needs to know of the model.
    pub fn traits(&self) -> ModelTraits {
        self.manifest.traits(&self.labels)
    }

    /// The state of an input of which no window has come.
    pub fn stream(&self) -> Stream {
        Stream::new(&self.network)
    }

    pub(super) fn network(&self) -> &InferenceNetwork {
        &self.network
    }
}
