//! Whole-behaviour tests, one binary: each further one would link everything again. Each module drives one part of
//! tympan as its users would.

mod config;
mod golden;
mod live;
mod recognition;
mod sinks;
mod sources;
mod streaming;
mod tidy;
