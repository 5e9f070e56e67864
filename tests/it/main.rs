//! The integration tests, in one binary: each further one would link everything again. One module a topic.

mod config;
mod recognition;
//! Whole-behaviour tests, one binary: each module drives one part of tympan as its users would.

mod sinks;
