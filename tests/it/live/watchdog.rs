//! The service manager's watchdog, with a real notify socket: fed while all of the daemon is at work, and by nothing that is
//! stuck.
//!
//! Where the socket is stands in the environment, which a test cannot change safely for itself: so the parent test runs
//! this binary again, for the one test below that listens.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crossbeam_channel::bounded;
use tympan::domain::{Overflow, SampleRate};
use tympan::sources::{Pace, ReaderSource, SampleReader, SourceError};

use super::fakes::{Behaviour, Collected, End, Loudness, script_of};
use super::reload::Noise;
use super::{HOP, PATIENCE, daemon, noise, rate, spec};

const FAULT: &str = "TYMPAN_TEST_FAULT";

/// What a service manager would kill after: long enough for a busy machine, short enough to be waited for.
const WATCHDOG: Duration = Duration::from_secs(3);

/// Seconds of audio before something gets stuck.
const WELL_S: u64 = 5;

/// Noise, then a read that never returns: a driver that neither delivers nor fails.
struct Dead {
    noise: Noise,
    left: u64,
}

impl SampleReader for Dead {
    fn name(&self) -> &str {
        "dead"
    }

    fn sample_rate(&self) -> SampleRate {
        self.noise.0
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        if self.left < block.len() as u64 {
            std::thread::sleep(2 * PATIENCE);
        }
        self.left -= block.len() as u64;
        self.noise.read(block)
    }
}

struct Watched {
    daemon: Child,
    socket: UnixDatagram,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn start(fault: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let daemon = Command::new(std::env::current_exe().unwrap())
            .args(["live::watchdog::this_process_is_watched", "--exact", "--nocapture"])
            .env(FAULT, fault)
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .env_remove("WATCHDOG_PID")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { daemon, socket, _folder: folder }
    }

    /// Whether the watchdog is fed within `patience`.
    fn is_fed_within(&self, patience: Duration) -> bool {
        let until = std::time::Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return false;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            let mut message = [0; 4096];
            match self.socket.recv(&mut message) {
                Ok(length) if message[..length].windows(10).any(|part| part == b"WATCHDOG=1") => {
                    return true;
                }
                _ => {}
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ended_already = self.daemon.kill();
        let _status = self.daemon.wait();
    }
}

/// As a service manager would: fed, then not fed any more.
fn times_out(fault: &str) {
    let watched = Watched::start(fault);
    assert!(watched.is_fed_within(PATIENCE), "{fault}: never fed");
    let mut fed = 1;
    // far longer than it waits: a busy machine may let this process or the daemon stand still for seconds
    while watched.is_fed_within(4 * WATCHDOG) {
        fed += 1;
        assert!(fed < 100, "{fault}: it goes on being fed");
    }
}

#[test]
fn a_daemon_at_work_feeds_it() {
    let watched = Watched::start("none");
    for feed in 0..6 {
        assert!(watched.is_fed_within(PATIENCE), "feed {feed}");
    }
}

#[test]
fn a_device_that_is_tried_again_feeds_it() {
    let watched = Watched::start("lost");
    for feed in 0..6 {
        assert!(watched.is_fed_within(PATIENCE), "feed {feed}");
    }
}

#[test]
fn a_model_that_hangs_makes_it_time_out() {
    times_out("model");
}

#[test]
fn a_dead_callback_makes_it_time_out() {
    times_out("callback");
}

#[test]
fn a_sink_that_takes_nothing_makes_it_time_out() {
    times_out("sink");
}

/// Run by the tests above; in an ordinary run there is nothing to do.
#[test]
fn this_process_is_watched() {
    let Ok(fault) = std::env::var(FAULT) else { return };
    let (_held, released) = bounded(0);
    let collected = Collected::default();
    let (blocked, gate) = collected.blocked_sink("pipe");
    let sink = if fault == "sink" { blocked } else { collected.sink("pipe") };
    // a reader who reads for a while
    let _reader = std::thread::spawn(move || {
        for _ in 0..WELL_S * 16_000 / HOP {
            // the process ends before it ends
            let _ = gate.send(());
        }
        std::thread::sleep(2 * PATIENCE);
    });
    let behaviour = match fault.as_str() {
        "model" => Behaviour::HangsAt(WELL_S * 16_000 / HOP, released),
        _ => Behaviour::Normal,
    };
    let left = if fault == "callback" { WELL_S * 16_000 } else { u64::MAX };
    let reader = Dead { noise: Noise(rate(16_000)), left };
    let source = ReaderSource::new(Box::new(reader), Pace::RealTime);
    let spec = spec(Overflow::DropNewest);
    let mut daemon = daemon(source, Loudness::new(behaviour), vec![sink], spec);
    if fault == "lost" {
        daemon.inputs[0].source = Box::new(script_of(noise(16_000), End::Lost));
        daemon.inputs[0].reopen = Some(std::sync::Arc::new(|| {
            Err(SourceError::DeviceLost { device: "script".into(), reason: "away".into() })
        }));
    }
    // ended by whoever started this process
    daemon.run().unwrap();
}
