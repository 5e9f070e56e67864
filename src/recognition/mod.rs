//! Layer 2: from windows to records: scores smoothed over time, events begun and ended.
//!
//! Pure: no thread, no clock, no model runtime. The live classify stage and the offline scan drive the same trackers.
//!
//! [`Scorer`] scores a window; a [`BatchScorer`] has several scored at once, of any inputs. Each input has a [`Tracker`]:
//! its [`Smoother`] averages the scores over audio time, its [`Detector`] begins and ends events by the rules of a
//! [`DetectorSpec`], and it makes records of what comes out. [`Recogniser`] is a scorer with one tracker.

mod detector;
mod detector_fault;
mod detector_settings;
mod detector_spec;
mod error;
mod recogniser;
mod scorer;
mod smoother;
mod tracker;

pub use detector::{Detection, Detector, EventIds};
pub use detector_fault::DetectorFault;
pub use detector_settings::{DetectorSettings, ModelTraits, ThresholdChange, Thresholds};
pub use detector_spec::DetectorSpec;
pub use error::RecognitionError;
pub use recogniser::Recogniser;
pub use scorer::{BatchScorer, Scorer, ScorerError};
pub use smoother::Smoother;
pub use tracker::{DetectorFaults, Gap, RecognitionRules, Tracker};
