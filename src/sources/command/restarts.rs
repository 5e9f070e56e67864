//! How long a program is left alone that ends again and again: one that exits at once would otherwise be started several
//! times a second for ever. Kept by whoever opens it again; the time is an argument.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A program that ran for so long did its work; what ended it is new.
const PROVEN_AFTER: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// When a program was started, and how often in a row it did not run for long.
#[derive(Debug, Default)]
pub struct Restarts(Mutex<History>);

#[derive(Debug, Default)]
struct History {
    started: Option<Instant>,
    failures: u32,
}

impl Restarts {
    /// The program is about to be started, as soon as the pause that is returned is over: none the first time, and the longer
    /// the more often it has ended soon. It doubles from 1 s to 30 s.
    pub fn pause(&self, now: Instant) -> Duration {
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(started) = history.started else {
            history.started = Some(now);
            return Duration::ZERO;
        };
        let has_proven = now.saturating_duration_since(started) >= PROVEN_AFTER;
        history.failures = if has_proven { 0 } else { history.failures.saturating_add(1) };
        let pause = match history.failures {
            0 => Duration::ZERO,
            failures => FIRST_PAUSE * (1 << (failures - 1).min(5)),
        };
        let pause = pause.min(LONGEST_PAUSE);
        history.started = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_at_once_is_started_ever_more_rarely_until_it_has_run_for_half_a_minute()
    {
        let (restarts, mut now) = (Restarts::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = restarts.pause(now);
            pauses.push(pause.as_secs());
            now += pause + Duration::from_millis(200);
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30]);
        now += Duration::from_secs(31);
        assert_eq!(restarts.pause(now), Duration::ZERO);
        assert_eq!(restarts.pause(now + Duration::from_millis(200)), Duration::from_secs(1));
    }
}
