//! The two callbacks that the audio host calls: samples go to the ring, errors to a channel that the supervisor reads.
//!
//! Fed by the audio host on its real-time thread; feeds the ring through the capture callback, and the running
//! microphone through atomics and bounded channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpal::{ErrorKind, FromSample, SizedSample, StreamInstant};
use crossbeam_channel::Sender;

use crate::domain::{InputCounters, SampleRate};
use crate::sources::CaptureCallback;

/// What the callbacks count and flag, in atomics, so that they never wait.
#[derive(Debug, Default)]
pub(super) struct CallbackStats {
    callbacks: AtomicU64,
    overrun: AtomicBool,
}

impl CallbackStats {
    /// Callbacks so far.
    pub(super) fn callbacks(&self) -> u64 {
        // Relaxed: only whether the number moves is of interest.
        self.callbacks.load(Ordering::Relaxed)
    }
}

/// What outlives one stream, so that the next stream goes on with the same ring.
pub(super) struct CaptureHandle {
    pub(super) capture: CaptureCallback,
    pub(super) last_arrival: Option<Instant>,
}

/// The state of the data callback. When its stream is dropped, the capture callback, and with it the ring's producer,
/// goes back to whoever owned the stream.
pub(super) struct DataCallback {
    handle: Option<CaptureHandle>,
    returned: Sender<CaptureHandle>,
    gauge: OverrunGauge,
    stats: Arc<CallbackStats>,
}

impl DataCallback {
    pub(super) fn new(
        handle: CaptureHandle,
        rate: SampleRate,
        stats: Arc<CallbackStats>,
        returned: Sender<CaptureHandle>,
    ) -> Self {
        let gauge = OverrunGauge::new(rate, handle.last_arrival);
        Self { handle: Some(handle), returned, gauge, stats }
    }

    /// One callback.
    ///
    /// # Real time
    /// No allocation, lock or log. The clock is read, which on Linux is no system call.
    pub(super) fn deliver<T>(&mut self, interleaved: &[T], capture_time: StreamInstant)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let arrival = Instant::now();
        let Some(handle) = &mut self.handle else { return };
        let frames = handle.capture.frames_in(interleaved.len()) as u64;
        // Acquire: pairs with the release in `ErrorCallback::report`; the error precedes the first callback after the overrun.
        let continuity = if self.stats.overrun.swap(false, Ordering::Acquire) {
            Continuity::Overrun
        } else {
            Continuity::Kept
        };
        let lost = self.gauge.lost_before(capture_time, frames, continuity, arrival);
        handle.capture.note_driver_gap(lost, arrival);
        handle.capture.deliver(interleaved, arrival);
        handle.last_arrival = Some(arrival);
        // Relaxed: a sign of life, guarding no other memory.
        self.stats.callbacks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for DataCallback {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            // One place is kept for it. With no owner left the producer is dropped, which closes the ring.
            let _unowned = self.returned.try_send(handle);
        }
    }
}

/// The state of the error callback.
pub(super) struct ErrorCallback {
    pub(super) stats: Arc<CallbackStats>,
    pub(super) counters: Arc<InputCounters>,
    pub(super) errors: Sender<cpal::Error>,
}

impl ErrorCallback {
    /// One error. Overruns are counted and marked; all others are left for the supervisor, as many as fit: a host may
    /// repeat one without end.
    pub(super) fn report(&self, error: cpal::Error) {
        if error.kind() == ErrorKind::Xrun {
            self.counters.driver_overruns.add(1);
            // Release: pairs with the acquire in `DataCallback::deliver`.
            self.stats.overrun.store(true, Ordering::Release);
        } else {
            let _full = self.errors.try_send(error);
        }
    }
}

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
