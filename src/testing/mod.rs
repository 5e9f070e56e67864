//! Layer 6: what tests of programs that use tympan need: a source that follows a script, a sink that keeps its records, and
//! models with random weights. Not called by tympan itself.

mod collected_records;
mod random_model;
mod scripted_source;

pub use collected_records::CollectedRecords;
pub use random_model::{random_bundle, random_weights};
pub use scripted_source::{ScriptEnd, ScriptStep, ScriptedSource};
