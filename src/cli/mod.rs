//! Layer 9: the commands, one file each. Parses arguments, calls the layers below, prints, sets the exit code. The only
//! layer that uses `anyhow`.

mod arguments;
mod bench;
mod check;
mod classify;
mod clean;
mod completions;
mod dataset_selection;
mod devices;
mod doctor;
mod eval;
mod failure;
mod labels;
mod load;
mod logging;
mod man_pages;
mod output;
mod plot;
mod run;
mod signals;
mod status;
#[cfg(feature = "torch")]
mod train;
#[cfg(not(feature = "torch"))]
mod train_unavailable;
#[cfg(not(feature = "torch"))]
use train_unavailable as train;
mod watch;

pub use arguments::{Arguments, Command, dispatch};
pub use failure::Failure;
use load::{load_setup, load_setup_with};
pub use signals::hold as hold_signals;
