//! Layer 2: the one front end. Samples of any rate and chunking in, normalised log-mel windows out.
//!
//! Live listening, offline classification, training, evaluation and benchmarks all call it, so that what was trained on
//! is what is scored. Runs on the feature thread when live, on the caller's otherwise.

mod error;
mod featuriser;
mod front_end;
mod front_end_spec;
mod normaliser;
mod sliding_window;
mod source_clock;

pub use error::FeatureError;
pub use featuriser::{Featuriser, FeaturiserSpec, ReadyWindow};
pub use front_end::{Frame, FrontEnd};
pub use front_end_spec::{FrameValues, Framing, FrontEndSpec, LogScale};
pub use normaliser::Normaliser;
pub use sliding_window::{SlidingWindow, WindowSpec};
pub use source_clock::Arrival;
