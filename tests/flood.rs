//! A flood of clients without the token at the TCP socket, while owners ask for the status on both sockets and clients read every event.
//!
//! `TYMPAN_FLOOD_SECONDS` is how long it lasts (3), `TYMPAN_FLOOD_RATE` how many connections a second are tried (10000). What
//! was measured is printed: `cargo test --release --test flood -- --nocapture`.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

const TOKEN: &str = "correct-horse-battery";

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
    address: SocketAddr,
    _held: Socket,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // bound, but not listened on: nobody else gets the port, and the daemon may have it
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        held.set_reuse_address(true).unwrap();
        held.bind(&SocketAddr::from(([0, 0, 0, 0], 0)).into()).unwrap();
        let address = held.local_addr().unwrap().as_socket().unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
        let token = folder.path().join("token");
        std::fs::write(&token, TOKEN).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&token, private).unwrap();
        let text = format!(
            "model = {model:?}\n[output.stdout]\nenabled = false\n[output.log_file]\nenabled = true\npath = \"log.jsonl\"\n\
             [output.unix]\nenabled = true\npath = \"tympan.sock\"\n\
             [output.tcp]\nenabled = true\naddress = \"{address}\"\ntoken_file = \"token\"\n"
        );
        std::fs::write(folder.path().join("tympan.toml"), text).unwrap();
        let stderr = std::fs::File::create(folder.path().join("stderr")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_tympan"))
            .args(["run", "--source", "demo", "--config"])
            .arg(folder.path().join("tympan.toml"))
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
        Self { child, folder, address, _held: held }
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Asks as an owner does; over the Unix socket, or over TCP.
    fn status(&self, over_tcp: bool) -> Result<(Value, Duration), String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tympan"));
        command.args(["status", "--json", "--connect"]);
        if over_tcp {
            command.arg(self.address.to_string());
            command.arg("--token-file").arg(self.folder.path().join("token"));
        } else {
            command.arg(self.folder.path().join("tympan.sock"));
        }
        let began = Instant::now();
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let status = serde_json::from_str(&text);
        status
            .map(|status| (status, began.elapsed()))
            .map_err(|_| String::from_utf8(output.stderr).unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Clients without the token come from so many threads at once.
const THREADS: usize = 4;

/// From one of 250 addresses of this machine: one alone has too few ports for so many.
fn connect_from(visit: u64, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let from = [127, 0, 0, 2 + (visit % 250) as u8];
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// Clients without the token by the thousand: some say nothing, some guess, some leave at once.
fn flood(address: SocketAddr, stop: &Arc<AtomicBool>, done: &Arc<AtomicU64>) -> JoinHandle<()> {
    let (stop, done) = (Arc::clone(stop), Arc::clone(done));
    let rate = setting("TYMPAN_FLOOD_RATE", 10_000) as f64 / THREADS as f64;
    std::thread::spawn(move || {
        let began = Instant::now();
        let mut silent = std::collections::VecDeque::new();
        for visit in 0u64.. {
            // Relaxed: the flag guards nothing but itself.
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let due = Duration::from_secs_f64(visit as f64 / rate);
            if let Some(early) = due.checked_sub(began.elapsed()) {
                std::thread::sleep(early);
            }
            let Ok(mut stream) = connect_from(visit, address) else { continue };
            // Relaxed: a count, read once its threads have ended.
            done.fetch_add(1, Ordering::Relaxed);
            match visit % 3 {
                0 => {}
                1 => drop(stream.write_all(b"token correct-horse-batterz\n")),
                _ => silent.push_back(stream),
            }
            if silent.len() > 150 {
                silent.pop_front();
            }
        }
    })
}

/// What a client of the Unix socket reads until the end.
#[derive(Default)]
struct Read {
    lines: Vec<String>,
    /// When each window was read, and its latency in microseconds.
    latencies: Vec<(Instant, u64)>,
}

impl Read {
    /// The share `quantile` of windows read in this time had at most this latency, in microseconds.
    fn latency(&self, quantile: f64, from: Instant, to: Instant) -> u64 {
        let within = self.latencies.iter().filter(|(at, _)| (from..to).contains(at));
        let mut latencies: Vec<u64> = within.map(|(_, latency)| *latency).collect();
        latencies.sort_unstable();
        let place = (quantile * latencies.len() as f64).ceil() as usize;
        latencies[place.saturating_sub(1)]
    }
}

fn listen(path: &Path) -> JoinHandle<Read> {
    let stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    std::thread::spawn(move || {
        let mut read = Read::default();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let record: Value = serde_json::from_str(&line).unwrap();
            if let Some(latency) = record["latency_us"].as_u64() {
                read.latencies.push((Instant::now(), latency));
            }
            read.lines.push(line);
        }
        read
    })
}

fn events(lines: impl Iterator<Item = String>) -> Vec<(u64, String)> {
    let records = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let events = records.filter(|record| record["type"] == "event");
    events.map(|event| (event["id"].as_u64().unwrap(), event["phase"].to_string())).collect()
}

/// Asks on both sockets in turns, for so long; how long each answer took, sorted.
fn ask(daemon: &Daemon, lasting: Duration) -> Vec<Duration> {
    let (began, mut answered) = (Instant::now(), Vec::new());
    while began.elapsed() < lasting {
        for over_tcp in [false, true] {
            let (_, took) = daemon.status(over_tcp).expect("an owner was not answered");
            answered.push(took);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    answered.sort();
    answered
}

#[test]
#[ignore = "takes a while: make test-all"]
fn owners_are_answered_and_no_event_is_lost_while_clients_without_the_token_flood_the_socket() {
    let mut daemon = Daemon::start();
    let began = Instant::now();
    while daemon.status(false).is_err() {
        assert!(began.elapsed() < PATIENCE, "it never listened: {}", daemon.printed());
        std::thread::sleep(Duration::from_millis(50));
    }
    let client = listen(&daemon.folder.path().join("tympan.sock"));
    let seconds = setting("TYMPAN_FLOOD_SECONDS", 3);
    // owners ask in the calm as well, since that takes the machine's time too
    let calm = Instant::now();
    ask(&daemon, Duration::from_secs(seconds));
    let (before, _) = daemon.status(false).unwrap();

    let (stop, done) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
    let floods = [(); THREADS].map(|()| flood(daemon.address, &stop, &done));
    let began = Instant::now();
    let answered = ask(&daemon, Duration::from_secs(seconds));
    let ended = Instant::now();
    // Relaxed: the flags guard nothing but themselves.
    stop.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.join().unwrap();
    }
    // Relaxed: as above.
    let tried = done.load(Ordering::Relaxed);
    let (after, _) = daemon.status(false).unwrap();
    assert!(after["counters"]["clients_refused"].as_u64().unwrap() > 0);
    assert_eq!(after["counters"]["events_dropped"], 0);
    let reports = daemon.printed().matches("connections refused").count() as u64;
    assert!((1..=2 + seconds / 60).contains(&reports), "{}", daemon.printed());

    let kill = format!("kill -s TERM {}", daemon.child.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(daemon.folder.path().join("log.jsonl")).unwrap();
    let logged = events(log.lines().map(str::to_owned));
    let read = client.join().unwrap();
    let events = events(read.lines.iter().cloned());
    assert!(logged.ends_with(&events), "{events:?} of {logged:?}");
    let skipped = |status: &Value| status["counters"]["windows_skipped"].as_u64().unwrap();
    println!(
        "{tried} connections in {seconds} s; {} owners' questions answered, half within {:?}, all within {:?}\n\
         latency p50 and p99 before: {} and {} us; in the flood: {} and {} us; windows skipped in it: {}",
        answered.len(),
        answered[answered.len() / 2],
        answered[answered.len() - 1],
        read.latency(0.5, calm, began),
        read.latency(0.99, calm, began),
        read.latency(0.5, began, ended),
        read.latency(0.99, began, ended),
        skipped(&after) - skipped(&before),
    );
}
