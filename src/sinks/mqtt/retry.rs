//! How patient the client of a broker is, and how long it waits before it tries again. Asked by `ClientStage`; pure.

use std::time::Duration;

/// How patient the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MqttTimes {
    /// The pause after the first failure.
    pub first_pause: Duration,
    /// The longest pause; each is twice the one before.
    pub longest_pause: Duration,
    /// A broker that has acknowledged nothing for so long has failed.
    pub acknowledged_within: Duration,
    /// After Home Assistant's start, announcements are sent again within this time, so that not all clients do so at once.
    pub announced_within: Duration,
    /// A connection that has lasted this long, and whose messages were acknowledged, counts as a success. One that ends
    /// sooner does not, so that two clients which take each other's place do not do so at full speed.
    pub settled_after: Duration,
}

impl Default for MqttTimes {
    /// Pauses from one second to a minute. A broker on the other side of the world acknowledges within a second.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            acknowledged_within: Duration::from_secs(20),
            announced_within: Duration::from_secs(10),
            settled_after: Duration::from_secs(10),
        }
    }
}

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    times: MqttTimes,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(times: MqttTimes) -> Self {
        Self { times, next: times.first_pause }
    }

    /// The pause after another failure; `chance`: of 0 to 1, so that many clients of a broker that comes back do not come at
    /// once.
    pub(super) fn pause(&mut self, chance: f64) -> Duration {
        let pause = self.next.mul_f64(0.5 + chance / 2.0);
        self.next = (self.next * 2).min(self.times.longest_pause);
        pause
    }

    pub(super) fn reset(&mut self) {
        self.next = self.times.first_pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(MqttTimes::default());
        let pauses: Vec<u64> = (0..8).map(|_| backoff.pause(1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.pause(0.0), Duration::from_secs(30));
        backoff.reset();
        assert_eq!(backoff.pause(0.0), Duration::from_millis(500));
    }
}
