//! A sample rate in Hz, known to be one that audio has, and a place in the source's samples. Made by sources and bundles, used for
//! every conversion to time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DomainError;

/// Samples per second of one channel.
///
/// ```
/// use std::time::Duration;
/// use tympan::domain::SampleRate;
///
/// let rate = SampleRate::new(48_000)?;
/// assert_eq!(rate.duration_of(24_000), Duration::from_millis(500));
/// assert_eq!(rate.samples_in(Duration::from_secs(2)), 96_000);
/// assert!(SampleRate::new(0).is_err());
/// # Ok::<(), tympan::domain::DomainError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SampleRate(u32);

impl SampleRate {
    /// Half of the lowest telephone rate: anything below is a mistake in the unit (kHz for Hz).
    pub const MIN_HZ: u32 = 4_000;
    /// Twice the highest rate of common converters.
    pub const MAX_HZ: u32 = 384_000;

    /// Checks and wraps a rate.
    ///
    /// # Errors
    /// [`DomainError::SampleRate`] outside [`Self::MIN_HZ`]..=[`Self::MAX_HZ`].
    pub fn new(hz: u32) -> Result<Self, DomainError> {
        if (Self::MIN_HZ..=Self::MAX_HZ).contains(&hz) {
            Ok(Self(hz))
        } else {
            Err(DomainError::SampleRate { found: hz })
        }
    }

    /// The rate in Hz.
    pub fn hz(self) -> u32 {
        self.0
    }

    /// How long `samples` samples last.
    pub fn duration_of(self, samples: u64) -> Duration {
        let whole = samples / u64::from(self.0);
        let rest = samples % u64::from(self.0);
        // rest < 384,000, so the product stays far below 2^64
        Duration::new(
            whole,
            u32::try_from(rest * 1_000_000_000 / u64::from(self.0))
                .expect("invariant: a fraction of a second is below 1e9 ns"),
        )
    }

    /// The number of whole samples that fit into `duration`.
    pub fn samples_in(self, duration: Duration) -> u64 {
        let samples = duration.as_nanos() * u128::from(self.0) / 1_000_000_000;
        u64::try_from(samples).unwrap_or(u64::MAX)
    }

    /// Seconds from the start of the source to `index`, for people to read.
    pub fn seconds_at(self, index: SampleIndex) -> f64 {
        index.0 as f64 / f64::from(self.0)
    }
}

impl TryFrom<u32> for SampleRate {
    type Error = DomainError;

    fn try_from(hz: u32) -> Result<Self, DomainError> {
        Self::new(hz)
    }
}

impl From<SampleRate> for u32 {
    fn from(rate: SampleRate) -> u32 {
        rate.0
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// Samples since the source began, at the source's own rate. 64 bits never wrap: 48 kHz fills them in 12 million years.
///
/// Lost samples are counted too, so an index names the same instant whether or not audio was dropped before it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SampleIndex(pub u64);

impl SampleIndex {
    /// Samples from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for SampleIndex {
    type Output = Self;

    fn add(self, samples: u64) -> Self {
        Self(self.0 + samples)
    }
}

impl AddAssign<u64> for SampleIndex {
    fn add_assign(&mut self, samples: u64) {
        self.0 += samples;
    }
}

impl Sub<u64> for SampleIndex {
    type Output = Self;

    fn sub(self, samples: u64) -> Self {
        Self(self.0.saturating_sub(samples))
    }
}

impl fmt::Display for SampleIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_in_khz_is_refused() {
        assert_eq!(SampleRate::new(48), Err(DomainError::SampleRate { found: 48 }));
    }

    #[test]
    fn durations_and_samples_agree() {
        let rate = SampleRate::new(44_100).unwrap();
        assert_eq!(rate.duration_of(44_100 * 3), Duration::from_secs(3));
        assert_eq!(rate.samples_in(Duration::from_millis(10)), 441);
        // a century of audio still converts
        let century = u64::from(rate.hz()) * 3_155_760_000;
        assert_eq!(rate.duration_of(century), Duration::from_secs(3_155_760_000));
    }
}
