//! Whole-behaviour tests, one binary: each further one would link everything again. Each module drives one part of
//! tympan as its users would.

mod cli;
mod config;
mod documents;
mod evaluation;
mod examples;
mod fuzz_regressions;
mod golden;
mod live;
mod model;
mod offline;
mod packages;
mod plots;
mod protocol;
mod recognition;
mod sinks;
mod sources;
mod streaming;
mod support;
mod tidy;
#[cfg(feature = "torch")]
mod training;
mod watch;
