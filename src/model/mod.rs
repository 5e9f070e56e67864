//! Layer 4: the networks and the bundle that carries one. The only layer, with `training`, that knows libtorch.
//!
//! Fed with windows by the recogniser, through the `Scorer` trait; runs on the classify thread when live.

mod bundle;
mod bundle_files;
mod conv_trunk;
mod error;
mod folded_network;
mod folded_trunk;
mod head;
mod incremental_network;
mod incremental_trunk;
mod layer_cost;
mod lstm;
mod manifest;
mod network;
mod network_kind;
mod network_mode;
mod network_scorer;
mod network_sizes;
mod network_spec;
mod open_windows;
mod projection;
mod recurrence;
mod runtime;
mod structure;
mod tiled_matrix;
mod weights;
mod window_stream;

pub use bundle::Bundle;
pub use conv_trunk::Precision;
pub use error::{BundleError, NetworkError};
pub use layer_cost::LayerCost;
pub use manifest::{Activation, Figures, Manifest, Provenance};
pub use network::Network;
pub use network_kind::NetworkKind;
pub use network_mode::NetworkMode;
pub use network_scorer::{NetworkScorer, Schedule};
pub use network_sizes::{
    CnnSpec, Conv1dBlockSpec, Conv1dSpec, ConvBlockSpec, CrnnSpec, LstmSpec, TimePooling,
};
pub use network_spec::NetworkSpec;
pub use runtime::{configure_runtime, with_random_seed};
pub use weights::{read_weights, write_weights};
