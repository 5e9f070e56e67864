//! `tympan eval`: how well a model tells the clips of a dataset apart, and how well the daemon would detect them in noise.

mod command;
mod table;

pub use command::{EvalArguments, eval};
