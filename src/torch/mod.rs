//! Layer 5: the networks in libtorch: as training fits them, and as the engine that the incremental one is checked against. And
//! modules that others made.
//!
//! Behind the feature `torch`. Fed with windows by the training loop, or through the `Scorer` trait; runs where it is called,
//! with threads of libtorch's own.

mod conv_trunk;
mod error;
mod folded_network;
mod head;
mod lstm;
mod mobile_trunk;
mod network;
mod network_mode;
mod projection;
mod reference_scorer;
mod runtime;
mod torch_module;
mod variables;

pub use conv_trunk::Precision;
pub use error::{ModuleError, TorchError};
pub use network::Network;
pub use network_mode::NetworkMode;
pub use reference_scorer::{ReferenceScorer, check_engines};
pub use runtime::{configure_runtime, with_random_seed};
pub use torch_module::TorchModule;
pub use variables::{load_weights, weights_of};
