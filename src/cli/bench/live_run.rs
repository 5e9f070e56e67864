//! The whole daemon on the demo at real-time pace, with one client at its socket. Runs on the main thread, which is the
//! daemon's supervisor meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow};
use crossbeam_channel::{Sender, bounded};
use hdrhistogram::Histogram;

use super::own_process;
use super::socket_client::{FinishLine, PublishedWindow, Seen, SocketClient};
use super::wake_meter::WakeMeter;
use crate::cli::Failure;
use crate::cli::run::{SILENT_AFTER, failure_of};
use crate::cli::setup::Setup;
use crate::cli::signals::stop_flag;
use crate::cli::source_choice::{self, OpenSource, SourceChoice};
use crate::domain::{Counters, SampleRate};
use crate::files;
use crate::live::{Daemon, PipelineSpec, WindowObserver};
use crate::model::Schedule;
use crate::sinks::{Outlet, SocketSink, SocketSpec, UnixSocketSpec};
use crate::sources::Pace;

/// Published windows that may wait for the client to read their lines. The sink drops a client long before it is this far behind.
const WINDOWS_UNREAD: usize = 1024;

/// What was seen, and what it took.
pub struct LiveRun {
    /// By the client.
    pub seen: Seen,
    /// The source's.
    pub sample_rate: SampleRate,
    /// How late an idle thread was woken meanwhile, in microseconds.
    pub wakes: Histogram<u64>,
    /// The most memory until then.
    pub peak_resident_bytes: Option<u64>,
}

/// Listens for `seconds` of audio.
///
/// # Errors
/// [`Failure`]: a daemon that fails, a socket that cannot be had, an interruption.
pub fn listen(
    setup: &Setup,
    schedule: Schedule,
    seconds: u32,
    counters: &Arc<Counters>,
) -> Result<LiveRun, Failure> {
    let demo = Some(&SourceChoice::Demo);
    let opened = source_choice::open(demo, &setup.config.source, Some(Pace::RealTime))?;
    let sample_rate = opened.source.sample_rate();
    let finish = FinishLine {
        end_sample: u64::from(seconds) * u64::from(sample_rate.hz()),
        stop: stop_flag()?,
        reached: Arc::new(AtomicBool::new(false)),
    };
    let folder = files::private_folder(&std::env::temp_dir())
        .context("cannot make a folder for the socket; set TMPDIR to one that can be written")
        .map_err(Failure::failed)?;
    let path = folder.path().join("bench.sock");
    let outlet = open_socket(&path, counters)?;
    let (sender, published) = bounded(WINDOWS_UNREAD);
    let client =
        SocketClient::connect(&path, published, finish.clone()).map_err(Failure::failed)?;
    let wake_meter = WakeMeter::spawn().map_err(Failure::failed)?;
    let daemon = Daemon {
        reopen: None,
        reload: None,
        scorer: Box::new(setup.bundle.scorer(schedule).map_err(Failure::device_or_model)?),
        sinks: Vec::new(),
        outlets: vec![outlet],
        tap: None,
        spec: pipeline_spec(setup, &opened, counters),
        source: opened.source,
        stop: Arc::clone(&finish.stop),
        on_window: Some(observer(sender, finish.clone(), sample_rate)),
    };
    let outcome = daemon.run();
    let wakes = wake_meter.finish();
    let peak_resident_bytes = own_process::peak_resident_bytes();
    let seen = client.finish();
    outcome.map_err(failure_of)?;
    let seen = seen.map_err(Failure::failed)?;
    // Relaxed: the threads that set it have been joined.
    if !finish.reached.load(Ordering::Relaxed) {
        return Err(Failure::failed(anyhow!("interrupted; nothing is reported")));
    }
    Ok(LiveRun { seen, sample_rate, wakes, peak_resident_bytes })
}

/// The daemon's own sink, as `[output.unix]` would open it.
fn open_socket(path: &Path, counters: &Arc<Counters>) -> Result<Box<dyn Outlet>, Failure> {
    let unix = Some(UnixSocketSpec { mode: 0o600, ..UnixSocketSpec::new(path) });
    let spec = SocketSpec { unix, ..SocketSpec::default() };
    let sink =
        SocketSink::open(spec, Arc::clone(counters), Arc::new(|| None)).map_err(Failure::failed)?;
    Ok(Box::new(sink))
}

fn pipeline_spec(setup: &Setup, opened: &OpenSource, counters: &Arc<Counters>) -> PipelineSpec {
    PipelineSpec {
        featuriser: setup.bundle.featuriser_spec(),
        smoothing: setup.config.detector.smoothing,
        detector: setup.detector.clone(),
        veto: Vec::new(),
        top: setup.config.output.top_labels,
        overflow: opened.overflow,
        ring: setup.config.source.ring,
        silent_after: SILENT_AFTER,
        device: opened.description.clone(),
        model: setup.bundle.manifest.name.clone(),
        counters: Arc::clone(counters),
        board: Arc::default(),
    }
}

/// Tells the client's thread of every published window, without ever making the daemon wait for it.
fn observer(
    published: Sender<PublishedWindow>,
    finish: FinishLine,
    sample_rate: SampleRate,
) -> WindowObserver {
    // a client that lost its last lines does not end the run: a second later this does
    let latest = finish.end_sample + u64::from(sample_rate.hz());
    Box::new(move |window, times| {
        let (start_sample, end_sample) = (window.start_sample.0, window.end_sample.0);
        // without room the client is gone, and nothing is matched any more
        let _ = published.try_send(PublishedWindow { start_sample, end_sample, times });
        if end_sample >= latest {
            finish.cross();
        }
    })
}
