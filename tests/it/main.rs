//! The integration tests, in one binary: each further one would link everything again. One module a topic.

mod config;
mod recognition;
