//! A long time in a short one: hours of the demo through the whole daemon (the shipped model, four inputs, a log file, sockets,
//! a broker, a program for each event, scrapes of its metrics) many times faster than life, with everything going wrong that
//! can, at random moments from one seed. At the end every sample, window and event of every input is accounted for, and memory,
//! threads, descriptors and programs are what they were.
//!
//! `TYMPAN_SOAK_HOURS` of audio by each input (a few minutes without it), `TYMPAN_SOAK_SPEED` times real time,
//! `TYMPAN_SOAK_SEED`.
//! `make soak` runs a day.

mod account;
mod broker;
mod clients;
mod device;
mod process;
mod programs;
mod scorer;
mod support;

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
use tympan::protocol::InputStatus;
use tympan::recognition::{DetectorSettings, DetectorSpec, RecognitionRules};
use tympan::sinks::{
    CommandSink, LogFile, LogFileSpec, Measurements, MqttSink, Outlet, Sink, SinkError, SocketSink,
    SocketSpec, UnixSocketSpec, WebSpec,
};

use account::Account;
use broker::Broker;
use clients::Clients;
use device::Device;
use process::Footprint;
use programs::{Camera, Notifier};
use scorer::{LoadedScorer, ScorerLoad};

/// Its microphones.
const DEVICES: [&str; 3] = ["door", "garden", "kitchen"];

/// Its program that writes samples.
const CAMERA: &str = "camera";

/// Far longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn setting<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Times real time. At the usual one, a debug build keeps up while other tests run.
fn speed() -> f64 {
    setting("TYMPAN_SOAK_SPEED", 8.0)
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
    devices: Vec<Device>,
    camera: Camera,
    broker: Option<Broker>,
    notifier: Notifier,
    load: ScorerLoad,
    reload: Arc<AtomicBool>,
    breaks_reload: Arc<AtomicBool>,
    account: Arc<std::sync::Mutex<Account>>,
    clients: Clients,
    shared_status: Arc<SharedStatus>,
    /// Of each input by its name, the camera last.
    counters: Vec<(&'static str, Arc<InputCounters>)>,
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
        let (outputs, shared_status) = <(Arc<OutputCounters>, Arc<SharedStatus>)>::default();
        let speed = speed();
        let round = Device::demo();
        let camera = Camera::new(folder, &round);
        let names = [DEVICES[0], DEVICES[1], DEVICES[2], CAMERA];
        let counters = names.map(|name| (name, Arc::<InputCounters>::default())).to_vec();
        let devices: Vec<Device> = counters
            .iter()
            .take(DEVICES.len())
            .map(|(_, counters)| Device::new(Arc::clone(&round), speed, Arc::clone(counters)))
            .collect();
        let mut inputs: Vec<DaemonInput> = devices
            .iter()
            .map(|device| DaemonInput {
                reopen: Some(device.reopen()),
                ..DaemonInput::new(device.open(48_000))
            })
            .collect();
        inputs
            .push(DaemonInput { reopen: Some(camera.reopen()), ..DaemonInput::new(camera.open()) });
        for (input, (name, counters)) in inputs.iter_mut().zip(&counters) {
            input.name = (*name).into();
            input.counters = Arc::clone(counters);
            // a tenth of a second of real time at this pace, or more
            input.ring = Duration::from_secs(20);
        }
        let account = Arc::default();
        let (log, notifier) = (folder.join("log.jsonl"), Notifier::new(folder));
        let log_spec = LogFileSpec { file_bytes: 200_000, ..LogFileSpec::new(&log) };
        let sinks: Vec<Box<dyn Sink>> = vec![
            Box::new(Ledger(Arc::clone(&account))),
            Box::new(LogFile::open(log_spec, Arc::default()).unwrap()),
            Box::new(CommandSink::open(notifier.spec()).unwrap()),
        ];
        let socket = folder.join("soak.sock");
        let sockets = open_sockets(&socket, &names, &outputs, &shared_status);
        let clients = Clients::new(socket, sockets.web_address().unwrap());
        let mut outlets: Vec<Box<dyn Outlet>> = vec![Box::new(sockets)];
        let broker = Broker::start();
        if let Some(broker) = &broker {
            let spec = broker.spec(&names, &bundle.labels);
            outlets.push(Box::new(MqttSink::open(spec, Arc::clone(&outputs)).unwrap()));
        }
        let load = ScorerLoad::default();
        let (reload, breaks_reload) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let daemon = Daemon {
            inputs,
            reload: Some(reloading(&reload, &breaks_reload, &load)),
            scorer: Box::new(LoadedScorer::new(&bundle, &load)),
            sinks,
            outlets,
            spec: pipeline_spec(&bundle, &outputs, &shared_status),
            stop: Arc::default(),
            on_window: None,
        };
        let random = ChaCha12Rng::seed_from_u64(seed);
        let soak = Self {
            devices,
            camera,
            broker,
            notifier,
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

    fn entered(&self, input: &str, state: State) -> u64 {
        self.account.lock().unwrap().entered(input, state)
    }

    /// Windows of all inputs.
    fn windows(&self, count: impl Fn(&InputCounters) -> u64) -> u64 {
        self.counters.iter().map(|(_, counters)| count(counters)).sum()
    }

    /// One fault at random, and its end.
    fn go_wrong(&mut self) -> &'static str {
        match self.random.random_range(0..9) {
            0 => self.lose_a_device(),
            1 => self.overload(),
            2 => self.block_the_log(),
            3 => self.reload(),
            4 => {
                let device = self.random.random_range(0..DEVICES.len());
                self.devices[device].overrun(self.random.random_range(1..100_000));
                "overrun in the driver"
            }
            5 => self.harm_the_camera(),
            6 => {
                let away = Duration::from_millis(self.random.random_range(1..1_000));
                if let Some(broker) = &mut self.broker {
                    broker.die(away);
                }
                "broker dead"
            }
            7 => {
                self.clients.scrape(self.random.random_range(1..10));
                "scrapes"
            }
            _ => {
                let visitors = self.random.random_range(1..40);
                self.clients.visit(visitors, &mut self.random);
                "clients"
            }
        }
    }

    fn lose_a_device(&mut self) -> &'static str {
        let place = self.random.random_range(0..DEVICES.len());
        let (refusals, rate) = (self.random.random_range(0..4), self.random.random_range(0..3));
        let rate = [16_000, 44_100, 48_000][rate];
        self.loses(DEVICES[place], |soak| soak.devices[place].unplug(refusals, rate));
        "device lost"
    }

    fn harm_the_camera(&mut self) -> &'static str {
        let hangs = self.random.random_bool(0.5);
        self.loses(CAMERA, |soak| soak.camera.harm(hangs));
        "camera killed or stopped"
    }

    /// Takes an input away and waits until it is back.
    fn loses(&self, input: &str, take_away: impl FnOnce(&Self)) {
        let lost = self.entered(input, State::Lost);
        let listening = self.entered(input, State::Listening);
        take_away(self);
        wait_until("word of the loss", || self.entered(input, State::Lost) > lost);
        wait_until("the input's return", || self.entered(input, State::Listening) > listening);
    }

    fn overload(&mut self) -> &'static str {
        let skipped = |input: &InputCounters| input.windows_skipped.get();
        let before: Vec<(u64, u64)> = self
            .counters
            .iter()
            .map(|(input, counters)| (self.entered(input, State::Overloaded), skipped(counters)))
            .collect();
        self.load.set(Duration::from_millis(200));
        let mut place = 0;
        wait_until("skipped windows", || {
            let mut all = self.counters.iter().zip(&before);
            let first = all.position(|((_, counters), (_, before))| skipped(counters) > *before);
            place = first.unwrap_or_default();
            first.is_some()
        });
        let (input, overloads) = (self.counters[place].0, before[place].0);
        let noticed = wait_until("word of the overload", || {
            // one that is reported already goes on
            self.entered(input, State::Overloaded) > overloads
                || self.status_of(input).is_some_and(|it| it.state == State::Overloaded)
        });
        self.account.lock().unwrap().overload_noticed(noticed);
        self.load.set(Duration::ZERO);
        "overload"
    }

    fn status_of(&self, input: &str) -> Option<InputStatus> {
        self.shared_status.status()?.inputs.into_iter().find(|it| it.name == input)
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

/// A socket for clients and a listener for Prometheus.
fn open_sockets(
    socket: &Path,
    inputs: &[&str],
    outputs: &Arc<OutputCounters>,
    shared_status: &Arc<SharedStatus>,
) -> SocketSink {
    let inputs: Vec<Arc<str>> = inputs.iter().map(|&input| input.into()).collect();
    let web = WebSpec {
        measurements: Arc::new(Measurements::new(&inputs)),
        ..WebSpec::new("127.0.0.1:0".parse().unwrap())
    };
    let spec = SocketSpec {
        unix: Some(UnixSocketSpec::new(socket)),
        web: Some(web),
        patience: Duration::from_secs(1),
        max_clients: 200,
        ..SocketSpec::default()
    };
    let asked = Arc::clone(shared_status);
    SocketSink::open(spec, Arc::clone(outputs), Arc::new(move || asked.status())).unwrap()
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
    process::share_arenas();
    let hours: f64 = setting("TYMPAN_SOAK_HOURS", 0.12);
    let seed = setting("TYMPAN_SOAK_SEED", 1);
    let folder = tempfile::tempdir().unwrap();
    let (mut soak, daemon) = Soak::start(folder.path(), seed);
    let (stop, reference) = (Arc::clone(&daemon.stop), bundle());
    let began = Instant::now();
    let running = std::thread::spawn(move || daemon.run());
    let mut faults = std::collections::BTreeMap::<&str, u32>::new();
    // once everything has gone wrong that can, buffers are as large as they get
    let warm = Duration::from_secs_f64((hours / 5.0 * 3_600.0).max(30.0 * speed()));
    let mut footprint = None;
    for (input, counters) in &soak.counters {
        wait_until(&format!("the first window of {input}"), || counters.windows_scored.get() > 0);
    }
    while soak.devices[0].captured() < Duration::from_secs_f64(hours * 3_600.0) {
        *faults.entry(soak.go_wrong()).or_default() += 1;
        std::thread::sleep(Duration::from_millis(soak.random.random_range(50..400)));
        if footprint.is_none() && soak.devices[0].captured() > warm {
            footprint = Some(Footprint::now());
        }
    }
    wait_until("the log's recovery", || {
        let status = soak.shared_status.status().unwrap();
        status.sinks.iter().all(|sink| !sink.is_failing)
    });
    soak.devices.iter().for_each(Device::hush);
    soak.camera.leave();
    let counted = || soak.windows(|it| it.windows_scored.get() + it.windows_skipped.get());
    wait_until("the last window", || {
        let before = counted();
        std::thread::sleep(Duration::from_secs(1));
        counted() == before
    });
    let onsets = || soak.account.lock().unwrap().onsets();
    wait_until("a run for each event", || soak.notifier.events().len() >= onsets().len());
    assert_eq!(soak.notifier.events(), onsets(), "events that a program was run for");
    for (input, windows) in soak.clients.scraped_windows() {
        let (_, counters) = soak.counters.iter().find(|(name, _)| **name == *input).unwrap();
        assert_eq!(windows, counters.windows_scored.get(), "as scraped of {input}");
    }
    soak.clients.leave();
    let before = footprint.expect("more than half a minute of real time");
    let after = Footprint::settled();
    // SeqCst: as above
    stop.store(true, Ordering::SeqCst);
    running.join().unwrap().unwrap();

    let account = soak.account.lock().unwrap();
    println!(
        "{:.2} h of audio by {} inputs in {:.0} s, seed {seed}: {faults:?}",
        soak.devices[0].captured().as_secs_f64() / 3_600.0,
        soak.counters.len(),
        began.elapsed().as_secs_f64()
    );
    println!("{:?}", soak.outputs.named());
    account.print();
    println!("{before}\n{after}");
    let drivers = soak.devices.iter().map(Device::lost_in_driver).chain([0]);
    for ((input, counters), lost_in_driver) in soak.counters.iter().zip(drivers) {
        account.settle(input, counters, lost_in_driver, &reference.featuriser_spec());
    }
    let outputs = &soak.outputs;
    assert_eq!((outputs.events_dropped.get(), outputs.records_dropped.get()), (0, 0));
    account.compare_with_log(folder.path());
    println!("{} events, a program run for each", account.onsets().len());
    if let Some(broker) = &soak.broker {
        wait_until("the last event", || broker.event_count() >= account.phases().len());
        assert_eq!(broker.events(), *account.phases(), "events at the broker's subscriber");
        println!("{} lines of events at the broker's subscriber", account.phases().len());
    }
    after.is_no_more_than(&before);
    wait_until("the end of all programs", || programs::alive() == 0);
}
