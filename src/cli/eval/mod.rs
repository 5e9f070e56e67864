//! `tympan eval`: how well a model classifies the clips of a dataset, and how well the daemon would detect them in noise.

mod command;
mod table;

pub use command::{EvalArguments, eval};
