//! What runs a module that others made; libtorch does, in a build that has it. Held by [`super::Model`], asked by
//! [`super::NetworkScorer`] for each input.

use crate::domain::{MelWindow, Scores};
use crate::recognition::ScorerError;

/// A module that was checked.
pub trait ModuleRuntime: Send + Sync {
    /// A module that has been given no window.
    ///
    /// # Errors
    /// [`ScorerError`] when the runtime fails.
    fn open(&self) -> Result<Box<dyn ModuleStream>, ScorerError>;

    /// Whether a module remembers what it was given, so that each input needs one of its own.
    fn is_stateful(&self) -> bool;
}

/// A module, and what it remembers of one input.
pub trait ModuleStream: Send {
    /// Scores windows of one input in the order given.
    ///
    /// # Shapes
    /// Each window has the model's size, each of `scores` its number of labels; there are as many scores as windows.
    ///
    /// # Errors
    /// [`ScorerError`] when the module fails, or gives what are no scores.
    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), ScorerError>;
}
