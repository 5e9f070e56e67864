//! Layer 6: what tests of programs that use tympan need: models with random weights. Not called by tympan itself.

mod random_model;

pub use random_model::{random_bundle, random_weights};
