//! Measures the samples of one input for what no window shows: exact zeros, a flat line, full scale. Updated by the feature
//! stage on its thread, read by the supervisor through [`InputLevel`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Counter;

/// Full scale, less what the integer formats from 16 bits on are short of it.
const RAIL: f32 = 0.9999;

/// Neighbours at full scale that make clipping: a recording that was normalised touches it with one or two.
const RAIL_RUN: u64 = 3;

/// Samples that stay within this much of each other are a flat line: three steps of 16 bits, the last-digit noise of a
/// converter that nothing is plugged into. A quiet room's noise of -75 dBFS spans twenty times as much in a second.
const FLAT_SPAN: f32 = 3.0 / 32_768.0;

/// What was measured so far.
#[derive(Debug, Default)]
pub(crate) struct InputLevel {
    /// Samples that the feature stage has taken.
    pub(crate) samples: Counter,
    /// Samples in runs at full scale.
    pub(crate) clipped: Counter,
    zero_run: AtomicU64,
    flat_run: AtomicU64,
    is_metered: AtomicBool,
    loudness: Mutex<Loudness>,
}

/// Level of the samples since it was last taken.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::live) struct Loudness {
    pub(in crate::live) samples: u64,
    /// Samples in runs at full scale.
    pub(in crate::live) clipped: u64,
    pub(in crate::live) peak: f32,
    /// Sum of their squares.
    pub(in crate::live) energy: f64,
}

impl InputLevel {
    /// What came since the last call; metering begins with the first one, and ends with [`Self::end_metering`].
    pub(in crate::live) fn take_loudness(&self) -> Loudness {
        // Relaxed: the flag guards no other memory.
        self.is_metered.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.loudness())
    }

    /// Nobody asks for levels any more.
    pub(in crate::live) fn end_metering(&self) {
        // Relaxed: see `take_loudness`.
        self.is_metered.store(false, Ordering::Relaxed);
        *self.loudness() = Loudness::default();
    }

    /// Held for a few instructions by either side, neither of which is the audio callback.
    fn loudness(&self) -> MutexGuard<'_, Loudness> {
        self.loudness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many samples up to the newest were exactly zero.
    pub(crate) fn zero_run(&self) -> u64 {
        // Relaxed: the number guards no other memory.
        self.zero_run.load(Ordering::Relaxed)
    }

    /// How many samples up to the newest stayed within [`FLAT_SPAN`] of each other.
    pub(crate) fn flat_run(&self) -> u64 {
        // Relaxed: see `zero_run`.
        self.flat_run.load(Ordering::Relaxed)
    }
}

/// The feature stage's end.
pub(crate) struct InputMeter {
    level: Arc<InputLevel>,
    zero_run: u64,
    rail_run: u64,
    flat: FlatRun,
}

/// A run of samples that stay close to each other.
struct FlatRun {
    samples: u64,
    lowest: f32,
    highest: f32,
}

impl FlatRun {
    const NOTHING: Self = Self { samples: 0, lowest: f32::INFINITY, highest: f32::NEG_INFINITY };

    /// Goes on with samples that lie between `lowest` and `highest`.
    fn update(&mut self, samples: &[f32], (lowest, highest): (f32, f32)) {
        if highest - lowest > FLAT_SPAN {
            // no run comes from before these, and the one that they end with is short
            *self = Self::NOTHING;
            for sample in samples.iter().rev() {
                if !self.takes(1, (*sample, *sample)) {
                    break;
                }
            }
        } else if !self.takes(samples.len() as u64, (lowest, highest)) {
            *self = Self { samples: samples.len() as u64, lowest, highest };
        }
    }

    /// Makes so many samples a part of the run, if they stay close to it; whether they do.
    fn takes(&mut self, samples: u64, (lowest, highest): (f32, f32)) -> bool {
        let (lowest, highest) = (self.lowest.min(lowest), self.highest.max(highest));
        let is_close = highest - lowest <= FLAT_SPAN;
        if is_close {
            *self = Self { samples: self.samples + samples, lowest, highest };
        }
        is_close
    }
}

/// The lowest and the highest of the samples; what is not a number is neither.
fn extremes(samples: &[f32]) -> (f32, f32) {
    const LANES: usize = 16;
    let (mut lowest, mut highest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for samples in samples.chunks(LANES) {
        // several at a time, which `min` and `max` are not
        for ((lowest, highest), sample) in lowest.iter_mut().zip(&mut highest).zip(samples) {
            *lowest = if sample < lowest { *sample } else { *lowest };
            *highest = if sample > highest { *sample } else { *highest };
        }
    }
    let lowest = lowest.into_iter().fold(f32::INFINITY, f32::min);
    (lowest, highest.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

impl InputMeter {
    pub(crate) fn new(level: Arc<InputLevel>) -> Self {
        Self { level, zero_run: 0, rail_run: 0, flat: FlatRun::NOTHING }
    }

    /// Samples are missing here: what comes next continues no run.
    pub(crate) fn gap(&mut self) {
        (self.zero_run, self.rail_run, self.flat) = (0, 0, FlatRun::NOTHING);
        // Relaxed: see `InputLevel::zero_run`.
        self.level.zero_run.store(0, Ordering::Relaxed);
        // Relaxed: as above.
        self.level.flat_run.store(0, Ordering::Relaxed);
    }

    /// Measures the next samples.
    ///
    /// # Real time
    /// Does not allocate.
    pub(crate) fn update(&mut self, samples: &[f32]) {
        let (lowest, highest) = extremes(samples);
        self.flat.update(samples, (lowest, highest));
        let zeros = samples.iter().rev().take_while(|sample| **sample == 0.0).count();
        let before = if zeros == samples.len() { self.zero_run } else { 0 };
        self.zero_run = before + zeros as u64;
        let clipped = if highest >= RAIL || lowest <= -RAIL {
            self.clipped_of(samples)
        } else {
            self.rail_run = 0;
            0
        };
        // Relaxed: see `InputLevel::take_loudness`.
        if self.level.is_metered.load(Ordering::Relaxed) {
            let energy = samples.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
            let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            let mut loudness = self.level.loudness();
            loudness.samples += samples.len() as u64;
            loudness.clipped += clipped;
            loudness.peak = loudness.peak.max(peak);
            loudness.energy += energy;
        }
        self.level.clipped.add(clipped);
        self.level.samples.add(samples.len() as u64);
        // Relaxed: see `InputLevel::zero_run`.
        self.level.zero_run.store(self.zero_run, Ordering::Relaxed);
        // Relaxed: as above.
        self.level.flat_run.store(self.flat.samples, Ordering::Relaxed);
    }

    /// How many of the samples are in runs at full scale.
    fn clipped_of(&mut self, samples: &[f32]) -> u64 {
        let mut clipped = 0;
        for sample in samples {
            self.rail_run = if sample.abs() >= RAIL { self.rail_run + 1 } else { 0 };
            clipped += match self.rail_run {
                ..RAIL_RUN => 0,
                RAIL_RUN => RAIL_RUN,
                _ => 1,
            };
        }
        clipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_that_touches_full_scale_is_no_clipping_and_a_flat_top_is() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.update(&[0.9, 1.0, -1.0, 0.9]);
        assert_eq!(level.clipped.get(), 0);
        meter.update(&[0.9, 1.0, 1.0]);
        meter.update(&[1.0, 1.2, 0.9]);
        assert_eq!((level.clipped.get(), level.samples.get()), (4, 10));
    }

    #[test]
    fn an_offset_with_noise_in_its_last_digit_is_flat_and_a_quiet_room_is_not() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        let step = 1.0 / 32_768.0;
        let mut state = 1u32;
        let mut noise = |steps: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % steps
        };
        let unplugged: Vec<f32> = (0..16_000).map(|_| 0.01 + noise(3) as f32 * step).collect();
        meter.update(&unplugged);
        assert!(level.flat_run() >= 15_999, "{}", level.flat_run());
        // uniform over 16 steps: 4.6 steps RMS, -77 dBFS
        let room: Vec<f32> = (0..16_000).map(|_| noise(16) as f32 * step).collect();
        meter.update(&room);
        assert!(level.flat_run() < 100, "{}", level.flat_run());
    }

    #[test]
    fn a_flat_run_goes_on_across_blocks_and_begins_anew_behind_a_jump() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        let step = 1.0 / 32_768.0;
        let mut after = |samples: &[f32]| {
            meter.update(samples);
            level.flat_run()
        };
        assert_eq!([after(&[0.01; 100]), after(&[0.01 + step; 50])], [100, 150]);
        // close to the last block and not to the first one
        assert_eq!(after(&[0.01 + 4.0 * step; 30]), 30);
        assert_eq!(after(&[&[0.5; 20][..], &[0.2; 7]].concat()), 7);
        assert_eq!([after(&[0.2]), after(&[-0.2])], [8, 1]);
    }

    #[test]
    fn loudness_is_of_the_samples_since_it_was_taken_and_of_none_before_the_first_time() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.update(&[0.9; 10]);
        assert_eq!(level.take_loudness(), Loudness::default());
        meter.update(&[0.5, -0.5, 0.0, 0.0]);
        meter.update(&[1.0, 1.0, 1.0]);
        let loudness = level.take_loudness();
        assert_eq!((loudness.samples, loudness.clipped, loudness.peak), (7, 3, 1.0));
        assert_eq!(loudness.energy, 3.5);
        level.end_metering();
        meter.update(&[0.9; 10]);
        assert_eq!(level.take_loudness(), Loudness::default());
    }

    #[test]
    fn a_gap_ends_every_run() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.update(&[0.0; 100]);
        meter.update(&[1.0, 1.0]);
        meter.gap();
        assert_eq!((level.zero_run(), level.flat_run()), (0, 0));
        meter.update(&[1.0]);
        assert_eq!((level.clipped.get(), level.flat_run()), (0, 1));
        meter.update(&[0.0; 10]);
        assert_eq!((level.zero_run(), level.flat_run()), (10, 10));
    }

    #[test]
    fn zeros_are_counted_across_blocks_up_to_the_newest_sample() {
        let level = Arc::new(InputLevel::default());
        let mut meter = InputMeter::new(Arc::clone(&level));
        meter.update(&[0.1, 0.0, 0.0]);
        meter.update(&[-0.0, 0.0]);
        assert_eq!(level.zero_run(), 4);
        meter.update(&[1e-9]);
        assert_eq!(level.zero_run(), 0);
    }
}
