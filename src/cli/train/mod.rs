//! `tympan train`: a dataset in, a bundle out. Options become a plan, recordings features, a split a trained network, and
//! that a bundle; what is interrupted goes on later. Runs on the main thread.

mod bundle;
mod clap_values;
mod command;
mod interrupt;
mod k_fold;
mod network_options;
mod one_split;
mod options;
mod plan;
mod progress;
mod recordings;
mod run_file;
mod training_options;

pub use command::train;
pub use options::TrainArguments;
