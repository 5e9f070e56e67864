//! `tympan eval`: how well a model tells the clips of a dataset apart, and how well the daemon would tell them in noise.

mod arguments;
mod chosen_clips;
mod measurement;
mod streaming;
mod table;

pub use arguments::EvalArguments;
pub use measurement::eval;
