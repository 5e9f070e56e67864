//! Layer 5: recordings instead of a device: datasets with their folds, and the scan of a clip through the live path.
//!
//! The featuriser and the recogniser are those of the daemon, called on one thread; commands and the evaluation call it.

mod clip_windows;
mod dataset;
mod error;
mod esc50;
mod scan;

pub use clip_windows::{ClipWindows, for_each_window};
pub use dataset::{Dataset, DatasetClip};
pub use error::DatasetError;
pub use esc50::read_esc50;
pub use scan::{ClipScanner, ScanError};
