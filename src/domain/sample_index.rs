//! Audio time: the position of a sample in its source. Set by the ring's producer, carried by windows and records.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

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
