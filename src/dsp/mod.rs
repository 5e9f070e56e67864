//! Layer 1: signal processing on plain slices. No I/O, no allocation after `new`, nothing of models or devices.
//!
//! Fed by the front end of `features`; every step here exists once in the whole program.

mod error;
mod level;
mod mel_filter_bank;
mod resampler;
mod stft;
mod taper;

pub use error::DspError;
pub use level::{FLOOR_DBFS, power_to_dbfs};
pub use mel_filter_bank::{MelFilterBank, MelFilterBankSpec, MelNorm, MelScale};
pub use resampler::Resampler;
pub use stft::{Stft, StftSpec};
pub use taper::hann;
