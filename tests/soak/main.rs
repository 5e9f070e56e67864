//! A long time in a short one: hours of the demo through the whole daemon (the shipped model, a log file, a socket) many
//! times faster than life, with everything going wrong that can, at random moments from one seed. At the end every sample,
//! window and event is accounted for, and memory, threads and descriptors are what they were.
//!
//! `TYMPAN_SOAK_HOURS` of audio (a quarter of an hour without it), `TYMPAN_SOAK_SPEED` times real time, `TYMPAN_SOAK_SEED`.
//! `make soak` runs a day.

mod account;
mod clients;
mod device;
mod process;
mod scorer;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use tympan::domain::{InputCounters, OutputCounters, Overflow, Published, State};
use tympan::live::{Daemon, DaemonInput, PipelineSpec, Recipe, Reload, Reloaded, SharedStatus};
use tympan::model::Bundle;
use tympan::recognition::{DetectorSettings, DetectorSpec, RecognitionRules};
use tympan::sinks::{
    LogFile, LogFileSpec, Sink, SinkError, SocketSink, SocketSpec, UnixSocketSpec,
};

use account::Account;
use clients::Clients;
use device::Device;
use process::Footprint;
use scorer::{LoadedScorer, ScorerLoad};

/// Far longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn setting<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// What the account is made from: every record, as it was published.
struct Ledger(Arc<std::sync::Mutex<Account>>);

impl Sink for Ledger {
    fn name(&self) -> &str {
        "ledger"
    }

    fn write(&mut self, published: &Published) -> Result<(), SinkError> {
        self.0.lock().unwrap().enter(&published.record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// The daemon, and everything that things can be done to.
struct Soak {
    device: Device,
    load: ScorerLoad,
    reload: Arc<AtomicBool>,
    breaks_reload: Arc<AtomicBool>,
    account: Arc<std::sync::Mutex<Account>>,
    clients: Clients,
    shared_status: Arc<SharedStatus>,
    counters: Arc<InputCounters>,
    outputs: Arc<OutputCounters>,
    log: std::path::PathBuf,
    random: ChaCha12Rng,
}

fn bundle() -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50")).unwrap()
}

fn recipe(bundle: &Bundle) -> Recipe {
    let detector = DetectorSpec::new(&bundle.traits(), DetectorSettings::default()).unwrap();
    Recipe {
        featuriser: bundle.featuriser_spec(),
        rules: RecognitionRules {
            smoothing: Duration::from_millis(150),
            detector,
            denied_labels: Vec::new(),
            top_labels: 5,
        },
        model: bundle.manifest.name.clone(),
    }
}

fn wait_until(what: &str, mut met: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

fn pipeline_spec(
    bundle: &Bundle,
    outputs: &Arc<OutputCounters>,
    shared_status: &Arc<SharedStatus>,
) -> PipelineSpec {
    PipelineSpec {
        recipe: recipe(bundle),
        overflow: Overflow::DropNewest,
        silent_after: Duration::from_secs(10),
        counters: Arc::clone(outputs),
        status: Arc::clone(shared_status),
    }
}

impl Soak {
    fn start(folder: &Path, seed: u64) -> (Self, Daemon) {
        let bundle = bundle();
        let (counters, outputs, shared_status) =
            <(Arc<InputCounters>, Arc<_>, Arc<SharedStatus>)>::default();
        let log = folder.join("log.jsonl");
        let socket = folder.join("soak.sock");
        let spec = SocketSpec {
            unix: Some(UnixSocketSpec::new(&socket)),
            patience: Duration::from_secs(1),
            ..SocketSpec::default()
        };
        let asked = Arc::clone(&shared_status);
        let status = move || asked.status();
        let account = Arc::default();
        let sinks: Vec<Box<dyn Sink>> = vec![
            Box::new(Ledger(Arc::clone(&account))),
            Box::new(
                LogFile::open(
                    LogFileSpec { file_bytes: 200_000, ..LogFileSpec::new(&log) },
                    Arc::default(),
                )
                .unwrap(),
            ),
        ];
        let socket_sink = SocketSink::open(spec, Arc::clone(&outputs), Arc::new(status)).unwrap();
        let device = Device::new(setting("TYMPAN_SOAK_SPEED", 20.0), Arc::clone(&counters));
        let load = ScorerLoad::default();
        let (reload, breaks_reload) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let daemon = Daemon {
            inputs: vec![DaemonInput {
                description: "the soak".to_owned(),
                reopen: Some(device.reopen()),
                counters: Arc::clone(&counters),
                // a tenth of a second of real time at this pace, or more
                ring: Duration::from_secs(20),
                ..DaemonInput::new(device.open(48_000))
            }],
            reload: Some(reloading(&reload, &breaks_reload, &load)),
            scorer: Box::new(LoadedScorer::new(&bundle, &load)),
            sinks,
            outlets: vec![Box::new(socket_sink)],
            spec: pipeline_spec(&bundle, &outputs, &shared_status),
            stop: Arc::default(),
            on_window: None,
        };
        let clients = Clients::new(socket);
        let random = ChaCha12Rng::seed_from_u64(seed);
        let soak = Self {
            device,
            load,
            reload,
            breaks_reload,
            account,
            clients,
            shared_status,
            counters,
            outputs,
            log,
            random,
        };
        (soak, daemon)
    }

    fn entered(&self, state: State) -> u64 {
        self.account.lock().unwrap().entered(state)
    }

    /// One fault at random, and its end.
    fn go_wrong(&mut self) -> &'static str {
        match self.random.random_range(0..6) {
            0 => self.lose_the_device(),
            1 => self.overload(),
            2 => self.block_the_log(),
            3 => self.reload(),
            4 => {
                self.device.overrun(self.random.random_range(1..100_000));
                "overrun in the driver"
            }
            _ => {
                let visitors = self.random.random_range(1..40);
                self.clients.visit(visitors, &mut self.random);
                "clients"
            }
        }
    }

    fn lose_the_device(&mut self) -> &'static str {
        let (lost, listening) = (self.entered(State::Lost), self.entered(State::Listening));
        let rate = [16_000, 44_100, 48_000][self.random.random_range(0..3)];
        self.device.unplug(self.random.random_range(0..4), rate);
        wait_until("word of the loss", || self.entered(State::Lost) > lost);
        wait_until("the device's return", || self.entered(State::Listening) > listening);
        "device lost"
    }

    fn overload(&mut self) -> &'static str {
        let (overloads, skipped) =
            (self.entered(State::Overloaded), self.counters.windows_skipped.get());
        self.load.set(Duration::from_millis(200));
        wait_until("skipped windows", || self.counters.windows_skipped.get() > skipped);
        let noticed = wait_until("word of the overload", || {
            // one that is reported already goes on
            self.entered(State::Overloaded) > overloads
                || self.shared_status.status().is_some_and(|it| it.state == State::Overloaded)
        });
        self.account.lock().unwrap().overload_noticed(noticed);
        self.load.set(Duration::ZERO);
        "overload"
    }

    /// Somebody puts something into the log's place that is no file: it is neither followed nor written.
    fn block_the_log(&mut self) -> &'static str {
        // between the two moves the daemon may make the file anew; then it is moved too, to another name
        loop {
            let aside = format!("log-aside-{}.jsonl", self.random.random::<u32>());
            let is_moved = fs::rename(&self.log, self.log.with_file_name(aside)).is_ok();
            if is_moved && symlink("/dev/full", &self.log).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(self.random.random_range(10..800)));
        fs::remove_file(&self.log).unwrap();
        "log blocked"
    }

    fn reload(&mut self) -> &'static str {
        // SeqCst: a test wants no subtlety
        self.breaks_reload.store(self.random.random_bool(0.3), Ordering::SeqCst);
        let before = self.shared_status.status().and_then(|status| status.reload);
        // SeqCst: as above
        self.reload.store(true, Ordering::SeqCst);
        wait_until("the reload", || {
            self.shared_status.status().is_some_and(|status| status.reload != before)
        });
        "reload"
    }
}

fn reloading(requested: &Arc<AtomicBool>, breaks: &Arc<AtomicBool>, load: &ScorerLoad) -> Reload {
    let (breaks, load) = (Arc::clone(breaks), load.clone());
    let read = move || {
        // SeqCst: as above
        if breaks.load(Ordering::SeqCst) {
            return Err("the configuration has a fault".to_owned());
        }
        let bundle = bundle();
        Ok(Reloaded {
            recipe: recipe(&bundle),
            scorer: Box::new(LoadedScorer::new(&bundle, &load)),
            needs_restart: Vec::new(),
        })
    };
    Reload { requested: Arc::clone(requested), read: Arc::new(read) }
}

#[test]
#[ignore = "takes a while: make test-all"]
fn hours_of_faults_leave_nothing_unaccounted_for() {
    let hours: f64 = setting("TYMPAN_SOAK_HOURS", 0.25);
    let seed = setting("TYMPAN_SOAK_SEED", 1);
    let folder = tempfile::tempdir().unwrap();
    let (mut soak, daemon) = Soak::start(folder.path(), seed);
    let (stop, reference) = (Arc::clone(&daemon.stop), bundle());
    let began = Instant::now();
    let running = std::thread::spawn(move || daemon.run());
    let mut faults = std::collections::BTreeMap::<&str, u32>::new();
    // once everything has gone wrong that can, buffers are as large as they get
    let warm = Duration::from_secs_f64((hours / 5.0).max(0.15) * 3_600.0);
    let mut footprint = None;
    wait_until("the first window", || soak.counters.windows_scored.get() > 0);
    while soak.device.captured() < Duration::from_secs_f64(hours * 3_600.0) {
        *faults.entry(soak.go_wrong()).or_default() += 1;
        std::thread::sleep(Duration::from_millis(soak.random.random_range(50..400)));
        if footprint.is_none() && soak.device.captured() > warm {
            footprint = Some(Footprint::now());
        }
    }
    wait_until("the log's recovery", || {
        let status = soak.shared_status.status().unwrap();
        status.sinks.iter().all(|sink| !sink.is_failing)
    });
    soak.device.hush();
    let counted = || soak.counters.windows_scored.get() + soak.counters.windows_skipped.get();
    wait_until("the last window", || {
        let before = counted();
        std::thread::sleep(Duration::from_secs(1));
        counted() == before
    });
    soak.clients.leave();
    let before = footprint.expect("more than nine minutes of audio");
    let after = Footprint::settled();
    // SeqCst: as above
    stop.store(true, Ordering::SeqCst);
    running.join().unwrap().unwrap();

    let account = soak.account.lock().unwrap();
    println!(
        "{:.2} h of audio in {:.0} s, seed {seed}: {faults:?}",
        soak.device.captured().as_secs_f64() / 3_600.0,
        began.elapsed().as_secs_f64()
    );
    account.print(&soak.counters, &soak.outputs);
    println!("{before}\n{after}");
    account.settle(&soak.counters, &soak.outputs, &soak.device, &reference.featuriser_spec());
    account.compare_with_log(folder.path());
    after.is_no_more_than(&before);
}
