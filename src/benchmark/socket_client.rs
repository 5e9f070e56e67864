//! A client of the daemon's own socket: reads JSON Lines as any other would, and matches every window with the moment of its
//! publication. Fed by the socket and by the classify stage's observer; runs on the thread `tympan-reader`.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::Receiver;
use serde::{Deserialize, Serialize};

use super::BenchmarkError;
use super::latency::LatencyHistograms;
use super::noise::WAKE_THREAD;
use super::own_process::{CpuReading, CpuShare};
use crate::domain::SampleRate;
use crate::live::StageTimes;
use crate::protocol::{Client, Message, Stream};

/// The thread's name, by which its processor time is left out.
pub const THREAD: &str = "tympan-reader";

/// A window's record when it was published.
#[derive(Debug, Clone, Copy)]
pub struct PublishedWindow {
    /// The window's first sample.
    pub start_sample: u64,
    /// One past its last.
    pub end_sample: u64,
    /// When it passed from stage to stage.
    pub times: StageTimes,
}

/// Where the measurement ends, and the flags that end the daemon.
#[derive(Debug, Clone)]
pub struct StopCondition {
    /// Windows are measured up to the first that ends here or later.
    pub end_sample: u64,
    /// Ends the daemon.
    pub stop: Arc<AtomicBool>,
    /// Set when the end came because it was reached, and not by a signal.
    pub reached: Arc<AtomicBool>,
}

impl StopCondition {
    /// Stops the daemon.
    pub fn trigger(&self) {
        // Relaxed: the flag guards no other memory.
        self.reached.store(true, Ordering::Relaxed);
        // Relaxed: the flag guards no other memory.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// How long it took to begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartUp {
    /// From the start of the process to the first status: the scorer is warm, the source runs.
    pub ready_ms: f64,
    /// From the start of the process to the first window's record at the client.
    pub first_label_ms: f64,
    /// The same less the length of the audio up to that window's end.
    pub first_label_without_audio_ms: f64,
}

/// What the client has measured of the records that it read.
#[derive(Debug)]
pub struct ClientSamples {
    /// Of every window that was read.
    pub latency: LatencyHistograms,
    /// Windows published until the end, read or not.
    pub published: u64,
    ready: Option<Instant>,
    /// When the first window was read, and one past its last sample.
    first_label: Option<(Instant, u64)>,
    /// At the first window and at the last.
    cpu: (Option<CpuReading>, Option<CpuReading>),
}

impl ClientSamples {
    /// Processor time from the first window to the last.
    pub fn cpu_share(&self) -> Option<CpuShare> {
        let (first, last) = &self.cpu;
        Some(last.as_ref()?.share_since(first.as_ref()?, &[THREAD, WAKE_THREAD]))
    }

    /// What came how long after the process had `started`; `sample_rate` is the source's.
    pub fn start_up(&self, started: Instant, sample_rate: SampleRate) -> Option<StartUp> {
        let millis = |at: Instant| at.saturating_duration_since(started).as_secs_f64() * 1e3;
        let (at, end_sample) = self.first_label?;
        let audio_ms = sample_rate.duration_of(end_sample).as_secs_f64() * 1e3;
        Some(StartUp {
            ready_ms: millis(self.ready?),
            first_label_ms: millis(at),
            first_label_without_audio_ms: millis(at) - audio_ms,
        })
    }
}

/// A connected client and its thread.
pub struct SocketClient {
    stream: UnixStream,
    thread: JoinHandle<Result<ClientSamples, BenchmarkError>>,
}

impl SocketClient {
    /// Connects and starts to read.
    ///
    /// # Errors
    /// [`io::Error`] when there is no socket at `path`, or no thread left.
    pub fn connect(
        path: &Path,
        published: Receiver<PublishedWindow>,
        until: StopCondition,
    ) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        let reader = Reader {
            client: Client::new(Stream::Unix(stream.try_clone()?), None),
            published,
            until,
            is_over: false,
            samples: ClientSamples {
                latency: LatencyHistograms::new(),
                published: 0,
                ready: None,
                first_label: None,
                cpu: (None, None),
            },
        };
        let thread =
            std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || reader.run())?;
        Ok(Self { stream, thread })
    }

    /// Disconnects, if the daemon has not already, and returns what it measured.
    ///
    /// # Errors
    /// What went wrong on the client's side: a read that failed, a line that is no record.
    pub fn finish(self) -> Result<ClientSamples, BenchmarkError> {
        // a sink that was left behind would keep the connection open
        let _closed_already = self.stream.shutdown(Shutdown::Both);
        self.thread.join().map_err(|_panic| BenchmarkError::ClientPanicked)?
    }
}

/// The thread's body.
struct Reader {
    client: Client,
    published: Receiver<PublishedWindow>,
    until: StopCondition,
    /// Whether the last window that counts has been read; then the rest is read and left.
    is_over: bool,
    samples: ClientSamples,
}

impl Reader {
    fn run(mut self) -> Result<ClientSamples, BenchmarkError> {
        let outcome = self.read();
        // whatever ended the reading, nobody measures any more
        // Relaxed: the flag guards no other memory.
        self.until.stop.store(true, Ordering::Relaxed);
        outcome.map(|()| self.samples)
    }

    fn read(&mut self) -> Result<(), BenchmarkError> {
        loop {
            let line =
                self.client.next_line().map_err(|source| BenchmarkError::ClientRead { source })?;
            let received = Instant::now();
            let Some(line) = line else { return Ok(()) };
            let message = Message::parse(line).map_err(|source| {
                let line = String::from_utf8_lossy(line).into_owned();
                BenchmarkError::ClientLine { line, source }
            })?;
            match message {
                Message::Window(window) if !self.is_over => {
                    self.take_window(window.start_sample.0, window.end_sample.0, received);
                }
                // the first status shows that the daemon has started
                Message::Status(_) => {
                    self.samples.ready.get_or_insert(received);
                }
                _ => {}
            }
        }
    }

    fn take_window(&mut self, start_sample: u64, end_sample: u64, received: Instant) {
        // the observer sees a window before the outputs do: what was published is here
        for window in self.published.try_iter() {
            self.samples.published += 1;
            if (window.start_sample, window.end_sample) == (start_sample, end_sample) {
                self.samples.latency.record(&window.times, received);
                break;
            }
        }
        if self.samples.first_label.is_none() {
            self.samples.first_label = Some((received, end_sample));
            self.samples.cpu.0 = CpuReading::take();
        }
        if end_sample >= self.until.end_sample {
            self.is_over = true;
            self.samples.cpu.1 = CpuReading::take();
            self.until.trigger();
        }
    }
}
