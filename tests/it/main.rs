//! The integration tests, one binary for all of them: each further one would link everything again.

mod sources;
