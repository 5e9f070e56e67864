//! Layer 4: the network and the bundle that carries it. The only layer, with `training`, that knows libtorch.
//!
//! Fed with windows by the recogniser, through the `Scorer` trait; runs on the classify thread when live.

mod bundle;
mod crnn;
mod error;
mod incremental_crnn;
mod manifest;
mod network_scorer;
mod network_spec;
mod runtime;
mod weights;

pub use bundle::Bundle;
pub use crnn::Crnn;
pub use error::{BundleError, NetworkError};
pub use manifest::{Activation, Figures, Manifest, Provenance};
pub use network_scorer::{NetworkScorer, Schedule};
pub use network_spec::{ConvBlockSpec, CrnnSpec, NetworkSpec};
pub use runtime::configure_runtime;
pub use weights::{read_weights, write_weights};
