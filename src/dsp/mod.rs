//! Layer 1: signal processing on plain slices. No I/O, nothing of models or devices; no allocation after `new`, but for the
//! envelope and the convolution of whole clips, which nothing live computes.
//!
//! Fed by the front end of `features`; every step here exists once in the whole program.

mod convolution;
mod envelope;
mod error;
mod level;
mod mel_filter_bank;
mod resampler;
mod split_mix;
mod stft;

pub use convolution::convolved;
pub use envelope::{EnvelopeSpec, EnvelopeStatistic, envelope};
pub use error::DspError;
pub use level::{FLOOR_DBFS, power_to_dbfs, powers_to_db, powers_to_ln};
pub use mel_filter_bank::{MelFilterBank, MelFilterBankSpec, MelNorm, MelScale};
pub use resampler::{Resampler, resample_clip};
pub use split_mix::{GOLDEN_GAMMA, SplitMix64, mixed};
pub use stft::{Stft, StftSpec, Taper, hann, sum_of_products};
