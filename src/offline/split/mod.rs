//! Which clips are fitted to and which are measured on: by official folds, or at random with the clips of one source kept
//! together. Whatever cannot be measured honestly is refused, or called leaky.

mod error;
mod parts;
mod recordings;
mod sources;
mod split_spec;

pub use error::SplitError;
pub use parts::Split;
pub use recordings::split_recordings;
pub use split_spec::{KFoldSpec, Leak, SplitSpec, k_fold};
