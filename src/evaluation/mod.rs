//! Layer 6: how good a model is: scores of labelled clips, and the figures made of them.
//!
//! Fed by `eval` and by the end of `train`; runs on the thread that calls it.

mod clip_scores;
mod metrics;

pub use clip_scores::{ClipScores, EvaluationError, WindowScore, score_clip};
pub use metrics::{ClassFigures, ClassificationFigures};
