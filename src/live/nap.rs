//! How long the feature stage leaves an empty ring alone. The audio callback may make no system call, so it cannot wake
//! anybody; but what it brings is only needed once it completes a window, and a source that keeps time says when that is.

use std::time::{Duration, Instant};

use crate::domain::SampleRate;

/// The shortest nap, when a window is due: half of it is added to the latency on average. A look a millisecond all the
/// time would cost 2 % of a core.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest nap: far below what the ring holds; gaps and levels are late by no more.
const LONGEST: Duration = Duration::from_millis(40);

/// How much more audio than time must have come before a source counts as one that does not keep time.
const AHEAD: f64 = 1.05;

/// What is known of the source's pace.
pub(super) struct Nap {
    sample_rate: SampleRate,
    first: Option<Instant>,
    newest: Option<Instant>,
    /// Samples since the first arrival, lost ones among them.
    samples: u64,
    /// Samples of the newest block and of the one before.
    blocks: [u64; 2],
}

impl Nap {
    pub(super) fn new(sample_rate: SampleRate) -> Self {
        Self { sample_rate, first: None, newest: None, samples: 0, blocks: [0; 2] }
    }

    /// Notes what came out of the ring, and when it had arrived there.
    pub(super) fn took(&mut self, samples: u64, arrival: Instant) {
        if self.first.is_none() {
            self.first = Some(arrival);
        } else {
            self.samples += samples;
        }
        // of a block taken in pieces every piece has the same arrival
        if self.newest == Some(arrival) {
            self.blocks[0] += samples;
        } else {
            self.blocks = [samples, self.blocks[0]];
        }
        self.newest = Some(arrival);
    }

    /// How long to leave the ring alone, which was empty at `now`, when `missing` more samples complete a window: until
    /// shortly before the block comes that brings the last of them.
    pub(super) fn length(&self, missing: u64, now: Instant) -> Duration {
        let (Some(first), Some(newest)) = (self.first, self.newest) else {
            return SHORTEST;
        };
        let audio = self.sample_rate.duration_of(self.samples);
        if audio > newest.duration_since(first).mul_f64(AHEAD) {
            return SHORTEST; // as fast as it is read: never keep it waiting
        }
        let block = self.blocks[0].min(self.blocks[1]).max(1);
        let due = newest + self.sample_rate.duration_of(missing.next_multiple_of(block));
        due.saturating_duration_since(now).saturating_sub(SHORTEST).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Ten seconds in blocks of 10 ms, one every `every`; the last came at the second value.
    fn fed(every: Duration) -> (Nap, Instant) {
        let mut nap = Nap::new(SampleRate::new(48_000).unwrap());
        let start = Instant::now();
        for block in 0..1000 {
            nap.took(480, start + every * block);
        }
        (nap, start + every * 999)
    }

    #[test]
    fn the_ring_is_left_alone_until_shortly_before_a_window_is_due() {
        let (nap, newest) = fed(10 * MS);
        assert_eq!(nap.length(48 * 80, newest), LONGEST);
        assert_eq!(nap.length(48 * 20, newest), 19 * MS);
        assert_eq!(nap.length(48 * 20, newest + 5 * MS), 14 * MS);
        assert_eq!(nap.length(48 * 20, newest + 19 * MS), SHORTEST);
        assert_eq!(nap.length(48 * 20, newest + 50 * MS), SHORTEST, "the block is late");
    }

    #[test]
    fn what_completes_a_window_comes_with_a_whole_block() {
        let (nap, newest) = fed(10 * MS);
        assert_eq!(nap.length(1, newest), 9 * MS);
        assert_eq!(nap.length(48 * 11, newest), 19 * MS);
    }

    #[test]
    fn blocks_of_changing_length_are_taken_for_short_ones() {
        let (mut nap, newest) = fed(10 * MS);
        nap.took(480 * 4, newest + 40 * MS);
        assert_eq!(nap.length(1, newest + 40 * MS), 9 * MS);
        nap.took(48, newest + 41 * MS);
        assert_eq!(nap.length(1, newest + 41 * MS), SHORTEST);
    }

    #[test]
    fn a_block_taken_in_pieces_is_one_block() {
        let mut nap = Nap::new(SampleRate::new(48_000).unwrap());
        let start = Instant::now();
        for block in 0..10 {
            nap.took(4096, start + 100 * MS * block);
            nap.took(704, start + 100 * MS * block);
        }
        assert_eq!(nap.length(1, start + 980 * MS), 19 * MS);
    }

    #[test]
    fn a_source_that_does_not_keep_time_is_not_kept_waiting() {
        let (nap, newest) = fed(MS);
        assert_eq!(nap.length(48 * 80, newest), SHORTEST);
        assert_eq!(Nap::new(SampleRate::new(48_000).unwrap()).length(0, newest), SHORTEST);
    }

    #[test]
    fn a_clock_that_is_a_little_fast_still_keeps_time() {
        let (nap, newest) = fed(MS * 99 / 10);
        assert_eq!(nap.length(48 * 80, newest), LONGEST);
    }
}
