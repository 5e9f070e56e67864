//! How much audio the driver lost, inferred from time stamps. Called by the data callback, on the host's audio thread.

use std::time::{Duration, Instant};

use cpal::StreamInstant;

use crate::domain::SampleRate;

/// What the driver reported since the last callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continuity {
    Kept,
    Overrun,
}

/// Follows the capture times of callbacks; no driver reports how long an overrun was.
pub(super) struct OverrunGauge {
    rate: SampleRate,
    /// When the next block's first sample is due, on the stream's clock.
    due: Option<StreamInstant>,
    /// When the stream that this one replaces last delivered.
    resumed_from: Option<Instant>,
}

impl OverrunGauge {
    /// Follows a new stream; `resumed_from` is when the stream before it, if any, last delivered.
    pub(super) fn new(rate: SampleRate, resumed_from: Option<Instant>) -> Self {
        Self { rate, due: None, resumed_from }
    }

    /// Frames lost before a block of `frames` frames, whose first was captured at `capture` and which arrived now.
    ///
    /// After an overrun that is at least one, so that the splice is marked however short it was.
    ///
    /// # Real time
    /// Arithmetic only.
    pub(super) fn lost_before(
        &mut self,
        capture: StreamInstant,
        frames: u64,
        continuity: Continuity,
        arrival: Instant,
    ) -> u64 {
        let length = self.rate.duration_of(frames);
        let due = self.due.replace(capture.checked_add(length).unwrap_or(capture));
        if let Some(before) = self.resumed_from.take() {
            let silent = arrival.saturating_duration_since(before).saturating_sub(length);
            return self.rate.samples_in(silent).max(1);
        }
        match (continuity, due) {
            (Continuity::Kept, _) => 0,
            (Continuity::Overrun, None) => 1,
            (Continuity::Overrun, Some(due)) => {
                let late = capture.checked_duration_since(due).unwrap_or(Duration::ZERO);
                self.rate.samples_in(late).max(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(resumed_from: Option<Instant>) -> OverrunGauge {
        OverrunGauge::new(SampleRate::new(48_000).unwrap(), resumed_from)
    }

    #[test]
    fn an_overrun_is_as_long_as_the_clock_says() {
        let (mut gauge, now) = (gauge(None), Instant::now());
        let at = StreamInstant::from_millis;
        assert_eq!(gauge.lost_before(at(0), 480, Continuity::Kept, now), 0);
        // jitter without an overrun is not a loss
        assert_eq!(gauge.lost_before(at(13), 480, Continuity::Kept, now), 0);
        assert_eq!(gauge.lost_before(at(123), 480, Continuity::Overrun, now), 4_800);
        assert_eq!(gauge.lost_before(at(133), 480, Continuity::Kept, now), 0);
    }

    #[test]
    fn an_overrun_without_a_measurable_length_is_still_marked() {
        let (mut gauge, now) = (gauge(None), Instant::now());
        let at = StreamInstant::from_millis;
        assert_eq!(gauge.lost_before(at(5), 480, Continuity::Overrun, now), 1);
        assert_eq!(gauge.lost_before(at(14), 480, Continuity::Overrun, now), 1);
    }

    #[test]
    fn a_rebuilt_stream_begins_with_the_gap_between_the_two() {
        let before = Instant::now();
        let mut gauge = gauge(Some(before));
        let arrival = before + Duration::from_millis(510);
        let at = StreamInstant::from_millis;
        assert_eq!(gauge.lost_before(at(0), 480, Continuity::Kept, arrival), 24_000);
        assert_eq!(gauge.lost_before(at(10), 480, Continuity::Kept, arrival), 0);
    }
}
