//! The whole daemon on the demo at real-time pace, with one client at its socket. Runs on the main thread, which is the
//! daemon's supervisor meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Sender, bounded};
use hdrhistogram::Histogram;

use super::noise::WakeMeter;
use super::socket_client::{ClientSamples, PublishedWindow, SocketClient, StopCondition};
use super::{BenchmarkError, own_process};
use crate::domain::{OutputCounters, SampleRate};
use crate::files;
use crate::live::{Daemon, DaemonInput, PipelineSpec, WindowObserver};
use crate::recognition::Scorer;
use crate::sinks::{Outlet, SocketSink, SocketSpec, UnixSocketSpec};

/// Published windows that may wait for the client to read their lines. The sink drops a client long before it is this far behind.
const WINDOWS_UNREAD: usize = 1024;

/// What the client measured, and what the run cost.
pub(super) struct LiveRun {
    /// By the client.
    pub client_samples: ClientSamples,
    /// The source's.
    pub sample_rate: SampleRate,
    /// How late an idle thread was woken meanwhile, in microseconds.
    pub wakes: Histogram<u64>,
    /// The most memory until then.
    pub peak_resident_bytes: Option<u64>,
}

/// Runs the daemon for `seconds` of audio.
pub(super) fn run_daemon(
    input: DaemonInput,
    scorer: Box<dyn Scorer>,
    spec: PipelineSpec,
    stop: Arc<AtomicBool>,
    seconds: u32,
) -> Result<LiveRun, BenchmarkError> {
    let sample_rate = input.source.sample_rate();
    let until = StopCondition {
        end_sample: u64::from(seconds) * u64::from(sample_rate.hz()),
        stop,
        reached: Arc::new(AtomicBool::new(false)),
    };
    let folder = files::private_folder(&std::env::temp_dir())
        .map_err(|source| BenchmarkError::SocketFolder { source })?;
    let path = folder.path().join("bench.sock");
    let outlet = open_socket(&path, &spec.counters)?;
    let (sender, published) = bounded(WINDOWS_UNREAD);
    let client = SocketClient::connect(&path, published, until.clone())?;
    let wake_meter = WakeMeter::spawn()?;
    let daemon = Daemon {
        inputs: vec![input],
        reload: None,
        scorer,
        sinks: Vec::new(),
        outlets: vec![outlet],
        spec,
        stop: Arc::clone(&until.stop),
        on_window: Some(observer(sender, until.clone(), sample_rate)),
    };
    let outcome = daemon.run();
    let wakes = wake_meter.finish();
    let peak_resident_bytes = own_process::peak_resident_bytes();
    let client_samples = client.finish();
    outcome?;
    let client_samples = client_samples?;
    // Relaxed: the threads that set it have been joined.
    if !until.reached.load(Ordering::Relaxed) {
        return Err(BenchmarkError::Interrupted);
    }
    Ok(LiveRun { client_samples, sample_rate, wakes, peak_resident_bytes })
}

/// The daemon's own sink, as `[output.unix]` would open it.
fn open_socket(
    path: &Path,
    counters: &Arc<OutputCounters>,
) -> Result<Box<dyn Outlet>, BenchmarkError> {
    let unix = Some(UnixSocketSpec { mode: 0o600, ..UnixSocketSpec::new(path) });
    let spec = SocketSpec { unix, ..SocketSpec::default() };
    let sink = SocketSink::open(spec, Arc::clone(counters), Arc::new(|| None))?;
    Ok(Box::new(sink))
}

/// Sends every published window to the client's thread, without ever making the daemon wait for it.
fn observer(
    published: Sender<PublishedWindow>,
    until: StopCondition,
    sample_rate: SampleRate,
) -> WindowObserver {
    // a client that lost its last lines does not end the run: a second later this does
    let latest = until.end_sample + u64::from(sample_rate.hz());
    Box::new(move |window, times| {
        let (start_sample, end_sample) = (window.start_sample.0, window.end_sample.0);
        // without room the client is gone, and nothing is matched any more
        let _ = published.try_send(PublishedWindow { start_sample, end_sample, times });
        if end_sample >= latest {
            until.trigger();
        }
    })
}
