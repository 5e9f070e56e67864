//! One input: a source that runs, or is opened again after a loss.

mod input_state;
mod opening;

pub(super) use input_state::{Input, InputChange};
pub use opening::Reopen;
pub(super) use opening::Started;
