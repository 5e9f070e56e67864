//! Whether the wall clock may decide that a clip is too old. A machine without a battery-backed clock starts in 1970 or in its
//! last session, and is set right later; what a wrong clock calls old is kept. Asked by the clip folder, on its thread.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// No clip is older than the program that writes them: a clock before this is not set yet.
const BUILT: Timestamp = Timestamp::constant(1_767_225_600, 0); // 2026-01-01

/// A wall clock that has kept pace with the monotonic one for so long has been set right by then: time synchronisation takes
/// seconds to minutes after the network is up.
const TRUSTED_AFTER: Duration = Duration::from_secs(3600);

/// At the start, a clip this recent shows that the machine has been running at about this time.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// The two clocks may drift apart by this much between two looks before it counts as a step.
const STEP: Duration = Duration::from_secs(60);

/// One look at both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Instant,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { wall: Timestamp::now(), monotonic: Instant::now() }
    }
}

/// What is known of the wall clock.
#[derive(Debug)]
pub(super) struct ClipClock {
    /// Since when the wall clock has kept pace, and the last look at it.
    steady_since: Instant,
    last: Now,
    /// A recent clip has shown that it is right, and no step has been seen since.
    is_confirmed: bool,
}

impl ClipClock {
    /// `newest`: when the newest clip was written, by the clock of that time.
    pub(super) fn new(now: Now, newest: Option<Timestamp>) -> Self {
        let is_confirmed = newest.is_some_and(|newest| {
            let age = now.wall.duration_since(newest);
            !age.is_negative() && age.unsigned_abs() <= RECENT
        });
        Self { steady_since: now.monotonic, last: now, is_confirmed }
    }

    /// Looks at both clocks; whether clips may be called too old by the wall clock.
    pub(super) fn is_trusted(&mut self, now: Now) -> bool {
        let passed = now.monotonic.saturating_duration_since(self.last.monotonic);
        let shown = now.wall.duration_since(self.last.wall);
        let step = shown.as_secs_f64() - passed.as_secs_f64();
        if step.abs() > STEP.as_secs_f64() {
            log::warn!(
                "the clock was set by {step:+.0} s; no clip is deleted for its age before it has run on for {} min",
                TRUSTED_AFTER.as_secs() / 60
            );
            (self.steady_since, self.is_confirmed) = (now.monotonic, false);
        }
        self.last = now;
        let steady_for = now.monotonic.saturating_duration_since(self.steady_since);
        is_set(now.wall) && (self.is_confirmed || steady_for >= TRUSTED_AFTER)
    }
}

/// Whether a clock that shows this time can have been set.
pub(super) fn is_set(wall: Timestamp) -> bool {
    wall >= BUILT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(begin: Now, monotonic_s: u64, wall_s: i64) -> Now {
        Now {
            wall: begin.wall + jiff::SignedDuration::from_secs(wall_s),
            monotonic: begin.monotonic + Duration::from_secs(monotonic_s),
        }
    }

    fn begin() -> Now {
        Now { wall: "2027-03-01T12:00:00Z".parse().unwrap(), monotonic: Instant::now() }
    }

    #[test]
    fn a_clock_is_trusted_at_once_beside_a_recent_clip_and_else_after_an_hour() {
        let begin = begin();
        let clip = |hours: i64| Some(begin.wall - jiff::SignedDuration::from_hours(hours));
        assert!(ClipClock::new(begin, clip(5)).is_trusted(at(begin, 1, 1)));
        for newest in [None, clip(40 * 24), clip(-1)] {
            let mut clock = ClipClock::new(begin, newest);
            assert!(!clock.is_trusted(at(begin, 1, 1)), "{newest:?}");
            assert!(!clock.is_trusted(at(begin, 3_599, 3_599)));
            assert!(clock.is_trusted(at(begin, 3_600, 3_601)));
        }
    }

    #[test]
    fn a_step_either_way_takes_the_trust_back_for_an_hour() {
        let begin = begin();
        for step in [40 * 86_400, -3_600] {
            let mut clock = ClipClock::new(begin, Some(begin.wall));
            assert!(clock.is_trusted(at(begin, 600, 600)));
            assert!(!clock.is_trusted(at(begin, 1_200, 1_200 + step)), "{step}");
            assert!(!clock.is_trusted(at(begin, 4_700, 4_700 + step)));
            assert!(clock.is_trusted(at(begin, 4_900, 4_900 + step)));
        }
    }

    #[test]
    fn a_clock_that_was_never_set_is_never_trusted() {
        let unset = Now { wall: Timestamp::UNIX_EPOCH, ..begin() };
        let mut clock = ClipClock::new(unset, Some(Timestamp::UNIX_EPOCH));
        assert!(!clock.is_trusted(at(unset, 90_000, 90_000)));
    }
}
