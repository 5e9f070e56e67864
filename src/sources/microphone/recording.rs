//! What runs inside the host's callbacks: delivery to the ring, and notes of errors for the supervisor to read.
//!
//! Fed by the audio host on its real-time thread; feeds the ring through the capture callback, and the running
//! microphone through atomics and bounded channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use cpal::{ErrorKind, FromSample, SizedSample, StreamInstant};
use crossbeam_channel::Sender;

use super::overrun::{Continuity, OverrunGauge};
use crate::domain::{Counters, SampleRate};
use crate::sources::CaptureCallback;

/// What the callbacks tell without waiting.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    callbacks: AtomicU64,
    overrun: AtomicBool,
}

impl Vitals {
    /// Callbacks so far.
    pub(super) fn callbacks(&self) -> u64 {
        // Relaxed: only whether the number moves is of interest.
        self.callbacks.load(Ordering::Relaxed)
    }
}

/// What survives a stream, so that another can take over.
pub(super) struct Relay {
    pub(super) capture: CaptureCallback,
    pub(super) last_arrival: Option<Instant>,
}

/// The state of the data callback. When its stream is dropped, the capture callback, and with it the ring's producer,
/// goes back to whoever owned the stream.
pub(super) struct Recording {
    relay: Option<Relay>,
    give_back: Sender<Relay>,
    gauge: OverrunGauge,
    vitals: Arc<Vitals>,
}

impl Recording {
    pub(super) fn new(
        relay: Relay,
        rate: SampleRate,
        vitals: Arc<Vitals>,
        give_back: Sender<Relay>,
    ) -> Self {
        let gauge = OverrunGauge::new(rate, relay.last_arrival);
        Self { relay: Some(relay), give_back, gauge, vitals }
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
        let Some(relay) = &mut self.relay else { return };
        let frames = relay.capture.frames_in(interleaved.len()) as u64;
        // Acquire: pairs with the release in `Faults::note`; the note precedes the first callback after the overrun.
        let continuity = if self.vitals.overrun.swap(false, Ordering::Acquire) {
            Continuity::Overrun
        } else {
            Continuity::Kept
        };
        let lost = self.gauge.lost_before(capture_time, frames, continuity, arrival);
        relay.capture.note_driver_gap(lost, arrival);
        relay.capture.deliver(interleaved, arrival);
        relay.last_arrival = Some(arrival);
        // Relaxed: a sign of life, guarding no other memory.
        self.vitals.callbacks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            // One place is kept for it. With no owner left the producer is dropped, which closes the ring.
            let _unowned = self.give_back.try_send(relay);
        }
    }
}

/// The state of the error callback.
pub(super) struct Faults {
    pub(super) vitals: Arc<Vitals>,
    pub(super) counters: Arc<Counters>,
    pub(super) tell: Sender<cpal::Error>,
}

impl Faults {
    /// One error. Overruns are counted and marked; all others are left for the supervisor, as many as fit: a host may
    /// repeat one without end.
    pub(super) fn note(&self, error: cpal::Error) {
        if error.kind() == ErrorKind::Xrun {
            self.counters.driver_overruns.add(1);
            // Release: pairs with the acquire in `Recording::deliver`.
            self.vitals.overrun.store(true, Ordering::Release);
        } else {
            let _full = self.tell.try_send(error);
        }
    }
}
