//! Whole-behaviour tests, one binary: each further one would link everything again. Each module drives one part of
//! tympan as its users would.

mod config;
mod live;
mod recognition;
mod sinks;
