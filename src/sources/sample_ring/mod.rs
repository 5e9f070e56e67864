//! The ring between a source and the feature stage: samples, and marks that say where blocks end and where audio is missing.
//!
//! Fed by the microphone's callback (real time: drops when full) or by the thread `tympan-source` (drops or waits, by its
//! pace); drained by `tympan-features`. Neither side ever blocks the other.

mod ring;
mod sample_consumer;
mod sample_producer;

pub use ring::{RingCloser, sample_ring};
pub use sample_consumer::{RingItem, SampleConsumer};
pub use sample_producer::{Pushed, SampleProducer};
