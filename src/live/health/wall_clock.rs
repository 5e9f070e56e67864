//! Whether the wall clock was set, by which records tell when something was. Pure: the clocks are arguments. Polled by the
//! supervisor.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// A change that is reported: time synchronisation that goes gently moves a clock by less than this in an hour.
const MIN_CHANGE: SignedDuration = SignedDuration::from_secs(1);

/// The wall clock beside the one that nobody sets.
pub struct WallClock {
    wall: Timestamp,
    monotonic: Instant,
}

impl WallClock {
    /// Watches from now on.
    pub fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// By how much the wall clock was set since the last call, forward or back, if it was. A machine that slept
    /// has its clock set forward: the other one slept too.
    pub fn poll(&mut self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let passed = SignedDuration::try_from(monotonic.duration_since(self.monotonic));
        let shown = wall.duration_since(self.wall);
        (self.wall, self.monotonic) = (wall, monotonic);
        let change = shown.checked_sub(passed.ok()?)?;
        (change.unsigned_abs() >= MIN_CHANGE.unsigned_abs()).then_some(change)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_set_is_reported_once_and_one_that_is_slow_is_not() {
        let (wall, monotonic) = (Timestamp::UNIX_EPOCH, Instant::now());
        let mut clock = WallClock::new(wall, monotonic);
        let mut poll = |monotonic_ms: u64, wall_ms: i64| {
            let wall = wall + SignedDuration::from_millis(wall_ms);
            clock.poll(wall, monotonic + Duration::from_millis(monotonic_ms))
        };
        assert_eq!(poll(1_000, 1_001), None);
        assert_eq!(poll(2_000, 2_400), None);
        assert_eq!(poll(3_000, 3_603_400), Some(SignedDuration::from_hours(1)));
        assert_eq!(poll(4_000, 3_604_400), None);
        assert_eq!(poll(5_000, 5_400), Some(SignedDuration::from_hours(-1)));
        // a process that was stopped for a minute: both clocks went on
        assert_eq!(poll(65_000, 65_400), None);
    }
}
