//! One input: a source that runs, or is opened again after a loss.

mod input_state;
mod reopening;
mod started;

pub(super) use input_state::{Input, InputChange};
pub use reopening::Reopen;
pub(super) use started::Started;
