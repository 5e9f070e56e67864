//! Layer 7: fits a network to clips, calibrates it and writes its bundle. With `model`, the only user of libtorch.
//!
//! [`fit()`] carries out a [`TrainingPlan`]; everything else here is a part of that.
//!
//! Runs on the main thread of `tympan train`, batches on one of their own; features come from the same front end as live
//! windows. Everything random follows from the seed and the step, so a run that was interrupted goes on as if it had not
//! been.

mod adamw;
mod augment;
mod augment_spec;
mod batches;
mod checkpoint;
mod clip_features;
mod error;
mod feature_store;
mod fit;
mod random;
mod start_weights;
mod teacher;
mod trainer;
mod training_run;
mod training_spec;
mod training_state;
mod validation;

pub use augment::Augmenter;
pub use augment_spec::AugmentSpec;
pub use batches::{Batch, Batches};
pub use checkpoint::{Checkpoint, CheckpointHead, PartFingerprint, SetFingerprint};
pub use clip_features::{ClipFeatures, NormaliserFit, TrainingSet};
pub use error::TrainingError;
pub use feature_store::{FeatureSource, FeatureStore};
pub use fit::{
    ExistingBundle, FitError, FitProgress, Fitted, FoldFigures, KFoldReport, NonEventSource,
    SplitChoice, Spread, TrainingPlan, fit, resume, unfinished,
};
pub use start_weights::StartWeights;
pub use trainer::{Trainer, TrainingTarget};
pub use training_run::{RunOutcome, StepReport, TrainingFiles, Watch};
pub use training_spec::{
    ClassBalance, KeptWeights, LossFunction, OTHER, RateSchedule, TrainingSpec,
};
pub use training_state::{EpochReport, EpochSums, TrainingState, Validation, log_text, write_log};
