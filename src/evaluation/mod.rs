//! Layer 6: how good a model is: scores of recordings, the figures made of them, and the thresholds chosen by them.
//!
//! [`ClipScores`] are a network's scores of a recording, window by window. Everything else is counted from them, without
//! the network: [`ClassificationFigures`], [`CurveFigures`], [`CalibrationFigures`], [`choose_thresholds`], and, for
//! recordings placed in background noise, [`streaming`]; for kinds of sound without a label, [`OpenSetFigures`]. All
//! figures serialise.
//!
//! [`evaluate()`] is the whole measurement of a bundle on a dataset, and gives an [`EvaluationReport`].
//!
//! Fed by `eval` and by the end of `train`; runs on the threads that call it, and scores on threads of its own.

mod calibration;
mod chosen_clips;
mod clip_scores;
mod curves;
mod detected_event;
mod detection_rules;
mod error;
mod evaluate;
mod evaluation_options;
mod evaluation_report;
mod metrics;
mod negative_audio;
mod open_set;
mod recordings_run;
pub mod streaming;
mod streaming_run;
mod thresholds;
mod tsv;

pub use calibration::{CalibrationBin, CalibrationFigures};
pub use clip_scores::{ClipScores, WindowScore, score_clip};
pub use curves::{
    ClassCurves, CurveFigures, PrecisionRecallCurve, PrecisionRecallPoint, RocCurve, RocPoint,
};
pub use detected_event::{DetectedEvent, EventCollector};
pub use detection_rules::DetectionRules;
pub use error::{EvaluationError, MeasureError};
pub use evaluate::evaluate;
pub use evaluation_options::{EvaluationOptions, Sweep, Treatment};
pub use evaluation_report::{
    Calibration, EvaluationReport, KindAlarms, OpenSetReport, StreamingReport, UnlabelledReport,
};
pub use metrics::{ClassFigures, ClassificationFigures, Mistake, mistakes};
pub use negative_audio::{NegativeAudio, score_clips, score_scenes};
pub use open_set::{OpenSetFigures, TopScore};
pub use thresholds::{ThresholdRules, choose_thresholds};
