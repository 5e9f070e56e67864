//! Layer 3: where samples come from. One trait, one ring: microphone, file, standard input, built-in demo.

mod source;

pub use source::{RunningSource, Source, SourceState};
