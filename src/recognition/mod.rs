//! Layer 2: from windows to records: scores smoothed over time, events begun and ended.
//!
//! Pure: no thread, no clock, no model runtime. The live classify stage and the offline scan drive the same recogniser.

mod scorer;

pub use scorer::{Scorer, ScorerError};
