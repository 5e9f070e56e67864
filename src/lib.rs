//! tympan

#![forbid(unsafe_code)]

pub mod config;
pub mod domain;
pub mod dsp;
pub mod features;
#[cfg(feature = "torch")]
pub mod model;
pub mod offline;
#[cfg(feature = "torch")]
pub mod training;
pub mod sinks;
pub mod sources;
pub mod recognition;
