//! Looks at the samples themselves for what no window shows: exact zeros and full scale. Fed by the feature stage on its
//! thread, read by the supervisor through [`InputLevel`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Counter;

/// Full scale, less what the integer formats from 16 bits on are short of it.
const RAIL: f32 = 0.9999;

/// Neighbours at full scale that make clipping: a recording that was normalised touches it with one or two.
const RAIL_RUN: u64 = 3;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct InputLevel {
    /// Samples looked at.
    pub heard: Counter,
    /// Samples in runs at full scale.
    pub clipped: Counter,
    zero_run: AtomicU64,
}

impl InputLevel {
    /// How many samples up to the newest were exactly zero.
    pub(super) fn zero_run(&self) -> u64 {
        // Relaxed: the number guards no other memory.
        self.zero_run.load(Ordering::Relaxed)
    }
}

/// The feature stage's end.
pub(super) struct InputMeter {
    level: Arc<InputLevel>,
    zero_run: u64,
    rail_run: u64,
}

impl InputMeter {
    pub(super) fn new(level: Arc<InputLevel>) -> Self {
        Self { level, zero_run: 0, rail_run: 0 }
    }

    /// Looks at the next samples.
    ///
    /// # Real time
    /// Does not allocate.
    pub(super) fn hear(&mut self, samples: &[f32]) {
        let mut clipped = 0;
        for sample in samples {
            self.zero_run = if *sample == 0.0 { self.zero_run + 1 } else { 0 };
            self.rail_run = if sample.abs() >= RAIL { self.rail_run + 1 } else { 0 };
            clipped += match self.rail_run {
                ..RAIL_RUN => 0,
                RAIL_RUN => RAIL_RUN,
                _ => 1,
            };
        }
        self.level.clipped.add(clipped);
        self.level.heard.add(samples.len() as u64);
        // Relaxed: see `InputLevel::zero_run`.
        self.level.zero_run.store(self.zero_run, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_that_touches_full_scale_is_no_clipping_and_a_flat_top_is() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.hear(&[0.9, 1.0, -1.0, 0.9]);
        assert_eq!(level.clipped.get(), 0);
        meter.hear(&[0.9, 1.0, 1.0]);
        meter.hear(&[1.0, 1.2, 0.9]);
        assert_eq!((level.clipped.get(), level.heard.get()), (4, 10));
    }

    #[test]
    fn zeros_are_counted_across_blocks_up_to_the_newest_sample() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.hear(&[0.1, 0.0, 0.0]);
        meter.hear(&[-0.0, 0.0]);
        assert_eq!(level.zero_run(), 4);
        meter.hear(&[1e-9]);
        assert_eq!(level.zero_run(), 0);
    }
}
