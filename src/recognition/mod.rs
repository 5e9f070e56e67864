//! Layer 2: from windows to records: scores smoothed over time, events begun and ended.
//!
//! Pure: no thread, no clock, no model runtime. The live classify stage and the offline scan drive the same recogniser.
//!
//! [`Scorer`] scores a window, [`Smoother`] averages the scores over audio time, [`Detector`] begins and ends events
//! by the rules of a [`DetectorSpec`], and [`Recogniser`] drives all three and makes records of what comes out.

mod detector;
mod detector_fault;
mod detector_settings;
mod detector_spec;
mod error;
mod recogniser;
mod scorer;
mod smoother;

pub use detector::{Detection, Detector};
pub use detector_fault::DetectorFault;
pub use detector_settings::{DetectorSettings, ModelTraits, ThresholdChange, Thresholds};
pub use detector_spec::DetectorSpec;
pub use error::RecognitionError;
pub use recogniser::{Gap, Recogniser, RecognitionRules};
pub use scorer::{Scorer, ScorerError};
pub use smoother::Smoother;
