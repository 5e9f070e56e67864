//! Layer 8: from a configuration and a model to the things that run. Called by every command; opens sources and outputs,
//! prints nothing.
//!
//! [`Setup`] is a configuration and a model that were checked together. What is opened from it: a daemon, a recogniser,
//! a source.

mod clips;
mod daemon;
mod error;
mod golden;
mod model_error;
mod mqtt;
mod outputs;
mod probe;
mod scorers;
mod setup;
mod shipped;
mod sources;

pub use daemon::DaemonControls;
pub use error::AssemblyError;
pub use model_error::ModelError;
pub use outputs::read_token;
pub use scorers::{ModuleTrust, Scorers};
pub use setup::{ConfigOverrides, Scope, Setup, read_config};
pub use shipped::{load_bundle, shipped_bundle};
pub use sources::{SourceChoice, open_sample};
