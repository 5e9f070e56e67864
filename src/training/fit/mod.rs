//! A dataset in, a bundle out: a plan is resolved against its dataset, recordings become features, a split a fitted network,
//! that is calibrated and written as a bundle; what is stopped goes on later.
//!
//! Called by `tympan train`, and from code: [`TrainingPlan::new`], then [`fit()`]. Runs on the thread that calls it.

mod bundle;
mod error;
#[expect(clippy::module_inception, reason = "named after its main function, as every file is")]
mod fit;
mod k_fold;
mod one_split;
mod plan;
mod prepared;
mod progress;
mod recordings;

pub use error::FitError;
pub use fit::{Fitted, fit, resume};
pub use k_fold::{FoldFigures, KFoldReport, Spread};
pub use plan::{ExistingBundle, NonEventSource, SplitChoice, TrainingPlan, unfinished};
pub use progress::FitProgress;
