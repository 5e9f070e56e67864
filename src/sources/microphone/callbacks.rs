//! The two callbacks that the audio host calls: samples go to the ring, errors to a channel that the supervisor reads.
//!
//! Fed by the audio host on its real-time thread; feeds the ring through the capture callback, and the running
//! microphone through atomics and bounded channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use cpal::{ErrorKind, FromSample, SizedSample, StreamInstant};
use crossbeam_channel::Sender;

use super::overrun::{Continuity, OverrunGauge};
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
