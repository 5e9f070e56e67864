//! Whole-behaviour tests, one binary: each further one would link everything again. Each module drives one part of
//! tympan as its users would.

mod config;
mod recognition;
mod sinks;
//! The integration tests, one binary for all of them: each further one would link everything again.

mod sources;
