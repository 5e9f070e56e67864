//! Which clips are fitted to and which are measured on: by official folds, or at random with the clips of one source kept
//! together. Whatever cannot be measured honestly is refused, or called leaky.

mod error;
mod k_fold;
mod parts;
mod recordings;
mod sources;
mod split_spec;

pub use error::SplitError;
pub use k_fold::{KFoldSpec, k_fold};
pub use parts::Split;
pub use recordings::split_recordings;
pub use split_spec::{Leak, SplitSpec};
