//! Layer 8: from a configuration and a model to the things that run. Called by every command; the only layer that turns
//! configured values into sources, sinks and scorers.

mod scorers;

pub use scorers::{ModelError, Scorers};
