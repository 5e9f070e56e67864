//! What other test programs share with this one.

#[path = "../it/support/skipping.rs"]
pub mod skipping;
