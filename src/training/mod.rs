//! Layer 6: fits a network to a dataset and chooses its thresholds; `cli` writes the bundle. With `model`, the only user of libtorch.
//!
//! Runs on the main thread of `tympan train`; features come from the same front end as live windows.

mod augment;
mod calibration;
mod clip_features;
mod error;
mod trainer;
mod training_spec;

pub use augment::Augmenter;
pub use calibration::calibrate;
pub use clip_features::{ClipFeatures, NormaliserFit, extract_all};
pub use error::TrainingError;
pub use trainer::{EpochReport, Trainer, TrainingSet, TrainingTarget, Validation, WindowScores};
pub use training_spec::TrainingSpec;
