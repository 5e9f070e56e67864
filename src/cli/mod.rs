//! Layer 8: the commands, one file each. Parses arguments, turns a configuration into specs, calls the layers below,
//! prints. The only layer that imports `config` and the only one that uses `anyhow`.

mod arguments;
mod bench;
mod check;
mod classify;
mod classify_output;
mod clips;
mod dataset_selection;
mod devices;
mod eval;
mod failure;
mod logging;
mod output;
mod plot;
mod preflight;
mod reload;
mod run;
mod run_options;
mod setup;
mod signals;
mod sinks;
mod source_choice;
mod status;
#[cfg(feature = "torch")]
mod train;
#[cfg(not(feature = "torch"))]
mod train_unavailable;
#[cfg(not(feature = "torch"))]
use train_unavailable as train;

pub use arguments::{Arguments, Command, dispatch};
pub use failure::Failure;
pub use signals::hold as hold_signals;
