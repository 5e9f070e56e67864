//! tympan hears a microphone and says, within milliseconds, what it hears.

#![forbid(unsafe_code)]

pub mod config;
pub mod domain;
pub mod dsp;
pub mod features;
pub mod live;
#[cfg(feature = "torch")]
pub mod model;
pub mod offline;
pub mod recognition;
pub mod sinks;
pub mod sources;
#[cfg(feature = "torch")]
pub mod training;
