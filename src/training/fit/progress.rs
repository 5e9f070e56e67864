//! Receives a training run's progress, and may stop the run. Passed to `fit`; a command shows bars and handles signals.

use std::sync::atomic::AtomicBool;

use crate::offline::Progress;
use crate::training::{EpochReport, StepReport};

/// Receives every step; its supertrait [`Progress`] receives features and scores.
pub trait FitProgress: Progress {
    /// Once set, the step under way is the last: the run is saved and returns.
    fn stop(&self) -> &AtomicBool;

    /// Fitting begins: so many `steps` in all, `done` of them earlier. From now on there is something to save.
    fn begin_fit(&self, steps: usize, done: usize, epochs: usize);

    /// After every step.
    fn on_step(&self, report: StepReport);

    /// After every epoch.
    fn on_epoch(&self, report: &EpochReport);

    /// Fitting has ended.
    fn end_fit(&self);
}

/// Shows nothing, and is never stopped.
impl FitProgress for () {
    fn stop(&self) -> &AtomicBool {
        static NEVER: AtomicBool = AtomicBool::new(false);
        &NEVER
    }

    fn begin_fit(&self, _: usize, _: usize, _: usize) {}

    fn on_step(&self, _: StepReport) {}

    fn on_epoch(&self, _: &EpochReport) {}

    fn end_fit(&self) {}
}
