//! Layer 5: recordings instead of a device: datasets with their folds, and the scan of a clip through the live path.

mod dataset;
mod error;
mod esc50;
mod scan;

pub use dataset::{Dataset, DatasetClip};
pub use error::DatasetError;
pub use esc50::read_esc50;
pub use scan::{ClipScanner, Scan, ScanError};
