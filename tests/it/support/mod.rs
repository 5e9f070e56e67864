//! What more than one module of tests needs: a sound server, real recordings, and the rule for doing without.
//!
//! Included by more than one test binary.

pub mod audio_server;
pub mod recordings;
pub mod skipping;
