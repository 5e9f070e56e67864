//! `tympan train`: options become a plan, which the library carries out. Runs on the main thread.

mod command;
mod network_options;
mod options;
mod progress;
mod training_options;

pub use command::train;
pub use options::TrainArguments;
