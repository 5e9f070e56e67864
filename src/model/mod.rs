//! Layer 4: models as plain data, and how they score windows. Knows no libtorch.
//!
//! A [`Bundle`] is a model's files, checked; a [`ModuleBundle`] those of a module that others made. A [`Model`] is made from
//! either and shared by all who score; a [`NetworkScorer`] keeps what it computed for each input. Fed with windows through the
//! `Scorer` trait; runs on the classify thread when live.

mod bundle;
mod conv_trunk;
mod depthwise;
mod error;
mod folded_norm;
mod in_flight_windows;
mod inference_network;
mod layer_cost;
mod lstm_step;
mod manifest;
mod mobile_layers;
mod mobile_trunk;
#[expect(clippy::module_inception, reason = "the file has the name of its type, as all have")]
mod model;
mod module_bundle;
mod module_manifest;
mod module_runtime;
mod network_scorer;
mod network_sizes;
mod network_spec;
mod packed_matrix;
mod recent_streams;
mod size_limits;
mod stream;
mod structure;
mod verifier;
mod verifier_spec;
mod weights;

pub use bundle::{Bundle, UNFINISHED_RUN};
pub use error::{BundleError, NetworkError};
pub use layer_cost::LayerCost;
pub use manifest::{Activation, Figures, Manifest, Provenance};
#[cfg(feature = "torch")]
pub(crate) use mobile_layers::MobileLayers;
pub use model::Model;
pub use module_bundle::{AnyBundle, Golden, ModuleBundle};
pub use module_manifest::{
    Affine, Constant, GoldenFiles, LabelsFile, LogMelInput, LogMelLayout, ModuleActivation,
    ModuleFormat, ModuleInput, ModuleManifest, ModuleOutput, ModuleSpec, ModuleThresholds,
    Reduction, WaveformInput, WaveformLayout, WaveformNormalisation,
};
pub use module_runtime::{ModuleRuntime, ModuleStream};
pub use network_scorer::NetworkScorer;
pub use network_sizes::{
    ActivationFunction, CnnSpec, Conv1dBlockSpec, Conv1dSpec, ConvBlockSpec, CrnnSpec, LstmSpec,
    MobileBlockSpec, MobileNetSpec, MobileSpec, TimePooling,
};
pub use network_spec::{NetworkKind, NetworkSpec};
#[cfg(feature = "torch")]
pub(crate) use structure::{ConvLayer, Structure, Trunk};
#[cfg(feature = "torch")]
pub(crate) use verifier::SecondLook;
pub use verifier_spec::{VERIFIER_FOLDER, VerifierSpec};
pub use weights::{TensorSpec, WeightTensor, Weights};
