//! A running microphone stream: detects stalls, losses and errors. Owned and polled by the supervisor, never by a callback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpal::BufferSize;
use cpal::traits::StreamTrait;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::callbacks::{CallbackStats, CaptureHandle, DataCallback, ErrorCallback};
use super::default_watch::DefaultWatch;
use super::devices::explain;
use super::spec::MicrophoneSpec;
use super::stream_plan::StreamPlan;
use crate::domain::InputCounters;
use crate::sources::{CaptureCallback, RingCloser, RunningSource, SourceError, SourceState};

/// A stream with a buffer of fixed size that falls silent this soon after its first callback is one that the host accepted and
/// cannot serve (ALSA through the `pulse` plugin: two to eight callbacks, then none).
const PROBATION: Duration = Duration::from_secs(2);

/// Silence that counts as such a stall: many times any period asked for.
const STALL: Duration = Duration::from_millis(500);

/// How long the first callback may take. A server that wakes a sleeping sound card, or an idle null sink (2 s of
/// buffer), is not yet a device without samples.
const FIRST_CALLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a stream may take to close. With the `pulse` plugin of ALSA and a server that has died it never does.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The PulseAudio client drops its callback a moment after the stream.
const RETURN_TIMEOUT: Duration = Duration::from_millis(50);

/// How long a stream that is to be replaced may take to give the ring's producer back.
const HANDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Errors kept between two questions, and the shortest time from one logged error to the next.
const ERRORS_KEPT: usize = 16;
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// What stays here of the ring that the callback fills.
pub(super) struct RingSide {
    pub(super) counters: Arc<InputCounters>,
    pub(super) closer: RingCloser,
}

pub(super) struct RunningMicrophone {
    stream: Option<cpal::Stream>,
    plan: StreamPlan,
    silence_limit: Duration,
    ring: RingSide,
    stats: Arc<CallbackStats>,
    returned: (Sender<CaptureHandle>, Receiver<CaptureHandle>),
    errors: (Sender<cpal::Error>, Receiver<cpal::Error>),
    watch: Watch,
    pub(super) default_watch: Option<DefaultWatch>,
    error_log: ErrorLog,
    is_lost: bool,
}

impl RunningMicrophone {
    /// Builds and starts the stream, with the buffer that the latency asks for or, refused that, the host's default.
    pub(super) fn start(
        plan: StreamPlan,
        spec: &MicrophoneSpec,
        capture: CaptureCallback,
        ring: RingSide,
    ) -> Result<Self, SourceError> {
        let buffer = plan.buffer_for(spec.latency);
        let mut running = Self {
            stream: None,
            plan,
            silence_limit: spec.silence_limit,
            ring,
            stats: Arc::default(),
            returned: bounded(1),
            errors: bounded(ERRORS_KEPT),
            watch: Watch::new(Instant::now(), buffer),
            default_watch: None,
            error_log: ErrorLog::default(),
            is_lost: false,
        };
        let handle = CaptureHandle { capture, last_arrival: None };
        match running.launch(buffer, handle) {
            Err(error) if buffer != BufferSize::Default => {
                log::info!("{error}; trying the host's own buffer size");
                let handle = running.recover_handle()?;
                running.launch(BufferSize::Default, handle)?;
            }
            outcome => outcome?,
        }
        Ok(running)
    }

    fn launch(&mut self, buffer: BufferSize, handle: CaptureHandle) -> Result<(), SourceError> {
        let on_data = DataCallback::new(
            handle,
            self.plan.rate,
            Arc::clone(&self.stats),
            self.returned.0.clone(),
        );
        let on_error = ErrorCallback {
            stats: Arc::clone(&self.stats),
            counters: Arc::clone(&self.ring.counters),
            errors: self.errors.0.clone(),
        };
        let stream = self.plan.build(buffer, on_data, on_error)?;
        stream.play().map_err(|error| explain(&self.plan.id, &self.plan.description(), &error))?;
        let granted = stream
            .buffer_size()
            .map_or_else(|_| "unknown".to_owned(), |frames| format!("{frames} frames"));
        log::info!(
            "capturing from {}; asked for {}, got {granted} a callback",
            self.plan.description(),
            match buffer {
                BufferSize::Default => "the host's own buffer size".to_owned(),
                BufferSize::Fixed(frames) => format!("{frames} frames"),
            }
        );
        self.watch = Watch::new(Instant::now(), buffer);
        self.watch.seen = self.stats.callbacks();
        self.stream = Some(stream);
        Ok(())
    }

    /// Waits until the dropped stream's data callback has returned its handle.
    fn recover_handle(&self) -> Result<CaptureHandle, SourceError> {
        self.returned.1.recv_timeout(HANDLE_TIMEOUT).map_err(|_| self.unclosable())
    }

    fn unclosable(&self) -> SourceError {
        SourceError::DeviceFailed {
            device: self.plan.id.clone(),
            reason: "its stream cannot be closed".to_owned(),
        }
    }

    /// Replaces a stalled stream by one with the host's own buffer size. The audio in between becomes a gap.
    fn rebuild(&mut self) -> Result<(), SourceError> {
        log::warn!(
            "{} stopped delivering with the buffer size it was asked for; taking the host's own",
            self.plan.id
        );
        if !self.close_stream() {
            return Err(self.unclosable());
        }
        let handle = self.recover_handle()?;
        self.launch(BufferSize::Default, handle)
    }

    /// Drops the stream on a thread of its own: a driver may hang in it, the supervisor must not. False if it hangs.
    fn close_stream(&mut self) -> bool {
        let Some(stream) = self.stream.take() else { return true };
        let (done, closed) = bounded::<()>(1);
        let closing =
            std::thread::Builder::new().name("tympan-close".to_owned()).spawn(move || {
                drop(stream);
                drop(done);
            });
        if let Err(error) = closing {
            log::warn!("no thread to close {} on ({error})", self.plan.id);
        }
        let is_hanging = closed.recv_timeout(CLOSE_TIMEOUT) == Err(RecvTimeoutError::Timeout);
        if is_hanging {
            self.ring.counters.streams_left_behind.add(1);
            log::warn!("{} does not close; its thread is left behind", self.plan.id);
        }
        !is_hanging
    }

    /// The first error after which nothing more will come; the others are logged.
    fn fatal_error(&mut self) -> Option<SourceError> {
        let mut fatal = None;
        for error in self.errors.1.try_iter() {
            let explained = explain(&self.plan.id, &self.plan.description(), &error);
            match explained {
                SourceError::DeviceLost { .. } | SourceError::HostUnavailable { .. } => {
                    fatal.get_or_insert(explained);
                }
                survivable => self.error_log.warn(&survivable),
            }
        }
        fatal
    }

    fn lose_in(&mut self, silence: Duration) -> SourceState {
        let device = self.plan.id.clone();
        self.lose(SourceError::NoSamplesArrive { device, silence })
    }

    fn lose(&mut self, error: SourceError) -> SourceState {
        self.is_lost = true;
        SourceState::Lost(error)
    }
}

impl RunningSource for RunningMicrophone {
    fn state(&mut self) -> SourceState {
        if self.is_lost {
            return SourceState::Lost(SourceError::AlreadyLost { name: self.plan.id.clone() });
        }
        if let Some(error) = self.fatal_error() {
            return self.lose(error);
        }
        if let Some(now) = self.default_watch.as_ref().and_then(DefaultWatch::changed_to) {
            let was = self.plan.id.clone();
            return self.lose(SourceError::DefaultChanged { was, now });
        }
        match self.watch.verdict(self.stats.callbacks(), Instant::now(), self.silence_limit) {
            Verdict::Alive => SourceState::Running,
            Verdict::Stalled(silence) => match self.rebuild() {
                Ok(()) => SourceState::Running,
                // A device that died so soon after its start looks like a stall; report how long it has been silent.
                Err(error) => {
                    log::warn!("{error}");
                    self.lose_in(silence)
                }
            },
            Verdict::Silent(silence) => self.lose_in(silence),
        }
    }
}

impl Drop for RunningMicrophone {
    fn drop(&mut self) {
        self.close_stream();
        // The data callback has returned its handle unless it hangs in the driver with the ring's producer.
        match self.returned.1.recv_timeout(RETURN_TIMEOUT) {
            Ok(handle) => drop(handle),
            Err(_hanging) => self.ring.closer.close(),
        }
    }
}

/// Whether callbacks keep coming.
struct Watch {
    first_progress: Option<Instant>,
    last_progress: Instant,
    seen: u64,
    buffer: BufferSize,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Alive,
    Stalled(Duration),
    Silent(Duration),
}

impl Watch {
    fn new(now: Instant, buffer: BufferSize) -> Self {
        Self { first_progress: None, last_progress: now, seen: 0, buffer }
    }

    fn verdict(&mut self, callbacks: u64, now: Instant, silence_limit: Duration) -> Verdict {
        if callbacks != self.seen {
            (self.seen, self.last_progress) = (callbacks, now);
            self.first_progress.get_or_insert(now);
        }
        let silence = now.saturating_duration_since(self.last_progress);
        let (is_fixed, limit) = (self.buffer != BufferSize::Default, silence_limit);
        match self.first_progress {
            None if silence < FIRST_CALLBACK_TIMEOUT.max(limit) => Verdict::Alive,
            None if is_fixed => Verdict::Stalled(silence),
            Some(first)
                if is_fixed && self.last_progress - first < PROBATION && silence >= STALL =>
            {
                Verdict::Stalled(silence)
            }
            Some(_) if silence < limit => Verdict::Alive,
            _ => Verdict::Silent(silence),
        }
    }
}

/// Errors that a stream survives: some hosts repeat them without pause.
#[derive(Default)]
struct ErrorLog {
    last: Option<Instant>,
    suppressed: u64,
}

impl ErrorLog {
    fn warn(&mut self, error: &SourceError) {
        if self.last.is_some_and(|last| last.elapsed() < LOG_PERIOD) {
            self.suppressed += 1;
            return;
        }
        log::warn!("{error} ({} more since the last such line)", self.suppressed);
        (self.last, self.suppressed) = (Some(Instant::now()), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    #[test]
    fn a_fixed_buffer_that_stalls_at_once_is_distinguished_from_a_device_that_dies() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut watch = Watch::new(begin, BufferSize::Fixed(512));
        assert_eq!(watch.verdict(5, after(60), LIMIT), Verdict::Alive);
        assert_eq!(watch.verdict(5, after(400), LIMIT), Verdict::Alive);
        assert_eq!(
            watch.verdict(5, after(600), LIMIT),
            Verdict::Stalled(Duration::from_millis(540))
        );

        let mut watch = Watch::new(begin, BufferSize::Fixed(512));
        assert_eq!(watch.verdict(5, after(60), LIMIT), Verdict::Alive);
        assert_eq!(watch.verdict(500, after(5_000), LIMIT), Verdict::Alive);
        assert_eq!(watch.verdict(500, after(6_900), LIMIT), Verdict::Alive);
        let silent = Duration::from_millis(2_100);
        assert_eq!(watch.verdict(500, after(7_100), LIMIT), Verdict::Silent(silent));
    }

    #[test]
    fn a_device_may_take_its_time_to_wake_but_not_for_ever() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut watch = Watch::new(begin, BufferSize::Default);
        assert_eq!(watch.verdict(0, after(4_900), LIMIT), Verdict::Alive);
        assert_eq!(watch.verdict(0, after(5_000), LIMIT), Verdict::Silent(FIRST_CALLBACK_TIMEOUT));
        // woken late, then stalled: still the fault of the buffer
        let mut watch = Watch::new(begin, BufferSize::Fixed(512));
        assert_eq!(watch.verdict(0, after(3_000), LIMIT), Verdict::Alive);
        assert_eq!(watch.verdict(4, after(3_100), LIMIT), Verdict::Alive);
        assert_eq!(
            watch.verdict(4, after(3_700), LIMIT),
            Verdict::Stalled(Duration::from_millis(600))
        );
    }
}
