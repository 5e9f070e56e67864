//! How long the feature stage sleeps before it polls an empty ring again. The audio callback may make no system call, so it
//! cannot wake a thread; but samples are only needed once they complete a window, and the pace of a source
//! that delivers in real time shows when that is.

use std::time::{Duration, Instant};

use crate::domain::SampleRate;

/// The shortest pause, when a window is due: half of it is added to the latency on average. To poll every millisecond all
/// the time would cost 2 % of a core.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause: far below what the ring holds; gaps and levels are late by no more.
const MAX_PAUSE: Duration = Duration::from_millis(40);

/// How much more audio than time must have come before a source counts as one that does not deliver in real time.
const AHEAD: f64 = 1.05;

/// What is known of the source's pace.
pub(super) struct PollSchedule {
    sample_rate: SampleRate,
    first: Option<Instant>,
    newest: Option<Instant>,
    /// Samples since the first arrival, lost ones among them.
    samples: u64,
    /// Samples of the newest block and of the one before.
    blocks: [u64; 2],
}

impl PollSchedule {
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

    /// How long to sleep when the ring was empty at `now` and `missing` more samples complete a window: until shortly before
    /// the block comes that brings the last of them.
    pub(super) fn pause(&self, missing: u64, now: Instant) -> Duration {
        let (Some(first), Some(newest)) = (self.first, self.newest) else {
            return MIN_PAUSE;
        };
        let audio = self.sample_rate.duration_of(self.samples);
        if audio > newest.duration_since(first).mul_f64(AHEAD) {
            return MIN_PAUSE; // as fast as it is read: it never has to wait
        }
        let block = self.blocks[0].min(self.blocks[1]).max(1);
        let due = newest + self.sample_rate.duration_of(missing.next_multiple_of(block));
        due.saturating_duration_since(now).saturating_sub(MIN_PAUSE).clamp(MIN_PAUSE, MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Ten seconds in blocks of 10 ms, one every `every`; the last came at the second value.
    fn fed(every: Duration) -> (PollSchedule, Instant) {
        let mut schedule = PollSchedule::new(SampleRate::new(48_000).unwrap());
        let start = Instant::now();
        for block in 0..1000 {
            schedule.took(480, start + every * block);
        }
        (schedule, start + every * 999)
    }

    #[test]
    fn the_ring_is_left_alone_until_shortly_before_a_window_is_due() {
        let (schedule, newest) = fed(10 * MS);
        assert_eq!(schedule.pause(48 * 80, newest), MAX_PAUSE);
        assert_eq!(schedule.pause(48 * 20, newest), 19 * MS);
        assert_eq!(schedule.pause(48 * 20, newest + 5 * MS), 14 * MS);
        assert_eq!(schedule.pause(48 * 20, newest + 19 * MS), MIN_PAUSE);
        assert_eq!(schedule.pause(48 * 20, newest + 50 * MS), MIN_PAUSE, "the block is late");
    }

    #[test]
    fn what_completes_a_window_comes_with_a_whole_block() {
        let (schedule, newest) = fed(10 * MS);
        assert_eq!(schedule.pause(1, newest), 9 * MS);
        assert_eq!(schedule.pause(48 * 11, newest), 19 * MS);
    }

    #[test]
    fn blocks_of_changing_length_are_taken_for_short_ones() {
        let (mut schedule, newest) = fed(10 * MS);
        schedule.took(480 * 4, newest + 40 * MS);
        assert_eq!(schedule.pause(1, newest + 40 * MS), 9 * MS);
        schedule.took(48, newest + 41 * MS);
        assert_eq!(schedule.pause(1, newest + 41 * MS), MIN_PAUSE);
    }

    #[test]
    fn a_block_taken_in_pieces_is_one_block() {
        let mut schedule = PollSchedule::new(SampleRate::new(48_000).unwrap());
        let start = Instant::now();
        for block in 0..10 {
            schedule.took(4096, start + 100 * MS * block);
            schedule.took(704, start + 100 * MS * block);
        }
        assert_eq!(schedule.pause(1, start + 980 * MS), 19 * MS);
    }

    #[test]
    fn a_source_that_does_not_keep_time_is_not_kept_waiting() {
        let (schedule, newest) = fed(MS);
        assert_eq!(schedule.pause(48 * 80, newest), MIN_PAUSE);
        assert_eq!(PollSchedule::new(SampleRate::new(48_000).unwrap()).pause(0, newest), MIN_PAUSE);
    }

    #[test]
    fn a_clock_that_is_a_little_fast_still_keeps_time() {
        let (schedule, newest) = fed(MS * 99 / 10);
        assert_eq!(schedule.pause(48 * 80, newest), MAX_PAUSE);
    }
}
