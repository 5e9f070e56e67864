//! What a Prometheus server reads at `/metrics`: what happened so far, counted as it happens, and the daemon's status.

mod exposition;
mod measurements;
mod process;

pub(in crate::sinks) use exposition::{CONTENT_TYPE, OPEN_METRICS_TYPE, render};
pub use measurements::{Measurements, ModelFacts, Stage};
