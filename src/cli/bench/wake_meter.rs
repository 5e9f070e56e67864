//! How late the system wakes a thread that has nothing to do but sleep to fixed deadlines: the machine's own part in any
//! latency. Runs on the thread `tympan-wakes` beside the daemon.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::latency::{micros, micros_histogram};

/// The thread's name, by which its processor time is left out.
pub const THREAD: &str = "tympan-wakes";

/// From deadline to deadline: 200 a second cost next to nothing, and give a p99 within three seconds.
const PERIOD: Duration = Duration::from_millis(5);

/// A running meter; dropping it ends it.
pub struct WakeMeter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Histogram<u64>>>,
}

impl WakeMeter {
    /// Starts to measure.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub fn spawn() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread =
            thread::Builder::new().name(THREAD.to_owned()).spawn(move || measure(&stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends it, and gives how late it woke up, in microseconds.
    pub fn finish(mut self) -> Histogram<u64> {
        let measured = self.end();
        measured.unwrap_or_else(micros_histogram)
    }

    fn end(&mut self) -> Option<Histogram<u64>> {
        // Relaxed: the flag guards no other memory; the histogram comes by the join.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take()?.join().ok()
    }
}

impl Drop for WakeMeter {
    fn drop(&mut self) {
        let _ended = self.end();
    }
}

/// The deadlines stay where they are: after a stall each of those missed counts, as each window would have been late.
fn measure(stop: &AtomicBool) -> Histogram<u64> {
    let mut late = micros_histogram();
    let mut deadline = Instant::now();
    // Relaxed: the flag guards no other memory.
    while !stop.load(Ordering::Relaxed) {
        deadline += PERIOD;
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        late.saturating_record(micros(deadline, Instant::now()));
    }
    late
}
