//! Sockets as clients see them, and what opening one refuses.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use jiff::Timestamp;
use tympan::domain::{
    LabelReason, LevelRecord, LiveRecord, OutputCounters, Overflow, Reason, Record,
};
use tympan::sinks::{
    LiveDemand, LogFile, LogFileSpec, Outlet, QueueCapacity, SinkClosed, SinkEnd, SinkError,
    SocketSink, SocketSpec, UnixSocketSpec, spawn_sink,
};

use super::{
    PATIENCE, close_all, event, event_ids, publish, read_greeting, status, wait_until, window,
};

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn tcp() -> SocketSpec {
    SocketSpec { tcp: Some(loopback()), ..SocketSpec::default() }
}

fn unix(path: &Path) -> SocketSpec {
    SocketSpec { unix: Some(UnixSocketSpec::new(path)), ..SocketSpec::default() }
}

fn open(spec: SocketSpec) -> (SocketSink, Arc<OutputCounters>) {
    let counters = Arc::new(OutputCounters::default());
    (SocketSink::open(spec, Arc::clone(&counters), Arc::new(|| None)).unwrap(), counters)
}

fn read_line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line
}

/// A client that has joined: it has read the status that is sent first.
fn join_tcp(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = BufReader::new(stream);
    read_greeting(&mut client);
    client
}

fn join_unix(path: &Path) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = BufReader::new(stream);
    read_greeting(&mut client);
    client
}

fn rest(mut client: impl Read) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn two_tcp_clients_and_the_log_file_hold_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let (socket, counters) = open(tcp());
    publish(&socket, status("ready"));
    let address = socket.tcp_address().unwrap();
    let log = LogFile::open(LogFileSpec::new(&path), Arc::default()).unwrap();
    let (ended, _keep) = bounded::<SinkEnd>(1);
    let (capacity, overflow) = (QueueCapacity::default(), Overflow::DropNewest);
    let log = spawn_sink(Box::new(log), capacity, overflow, counters, ended).unwrap();
    let outlets: [&dyn Outlet; 2] = [&socket, &log];
    let clients = [join_tcp(address), join_tcp(address)];
    for id in 1..=100 {
        for outlet in outlets {
            publish(outlet, event(id));
            publish(outlet, window(id));
        }
    }
    let closed = close_all(&outlets, PATIENCE);
    assert_eq!(closed, [SinkClosed::Drained, SinkClosed::Drained]);
    let expected: Vec<u64> = (1..=100).collect();
    assert_eq!(event_ids(&fs::read_to_string(path).unwrap()), expected);
    for client in clients {
        let text = rest(client);
        assert_eq!(event_ids(&text), expected);
        assert_eq!(text.lines().count(), 200, "windows go to clients too");
    }
}

#[test]
fn a_slow_client_receives_how_many_it_missed_while_another_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let spec = SocketSpec { patience: PATIENCE, ..unix(&path) };
    let (sink, counters) = open(spec);
    publish(&sink, status("ready"));
    let slow = join_unix(&path);
    let mut quick = join_unix(&path);
    // far more than the socket's own buffer holds
    let bulk = "x".repeat(4_000);
    for _ in 0..1_000 {
        publish(&sink, status(bulk.clone()));
        assert!(read_line(&mut quick).contains(&bulk));
    }
    let reader = std::thread::spawn(move || rest(slow));
    wait_until("the count", || counters.client_records_dropped.get() > 0);
    drop(sink);
    assert_eq!(rest(quick), "");
    let text = reader.join().unwrap();
    let missed: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["type"] == "missed")
        .map(|line| line["records"].as_u64().unwrap())
        .collect();
    assert_eq!(missed.len(), 1, "one gap, reported in its place");
    let received = text.lines().count() as u64 - 1;
    assert_eq!(missed[0] + received, 1_000);
    assert_eq!(counters.client_records_dropped.get(), missed[0]);
}

#[test]
fn a_client_that_stays_behind_is_dropped_and_every_line_it_missed_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let spec = SocketSpec { patience: Duration::from_millis(500), max_clients: 1, ..unix(&path) };
    let (sink, counters) = open(spec);
    publish(&sink, status("ready"));
    let stuck = join_unix(&path);
    let bulk = "x".repeat(4_000);
    for _ in 0..1_000 {
        publish(&sink, status(bulk.clone()));
    }
    // it has not hung up, so only being dropped frees its place
    wait_until("the place of the stuck client", || {
        let stream = UnixStream::connect(&path).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).is_ok() && line.contains("\"hello\"")
    });
    // the last line may be cut short; a word of missed lines may stand before it
    let text = rest(stuck);
    let received = text.matches(&format!("{bulk}\",\"sample_rate_hz\":48000}}\n")).count() as u64;
    assert_eq!(received + counters.client_records_dropped.get(), 1_000);
}

#[test]
fn a_blocked_client_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let (sink, counters) = open(SocketSpec { patience: 10 * PATIENCE, ..unix(&path) });
    publish(&sink, status("ready"));
    let blocked = join_unix(&path);
    for _ in 0..200 {
        publish(&sink, status("x".repeat(4_000)));
    }
    drop(sink);
    assert!(counters.client_records_dropped.get() > 0, "it ended before the client read");
    let whole = rest(blocked).matches('\n').count() as u64;
    assert_eq!(whole + counters.client_records_dropped.get(), 200);
}

#[test]
fn whoever_joins_late_gets_the_latest_status_first() {
    let (sink, _) = open(tcp());
    publish(&sink, status("old"));
    publish(&sink, status("new"));
    publish(&sink, event(1));
    let mut client = BufReader::new(TcpStream::connect(sink.tcp_address().unwrap()).unwrap());
    assert!(read_line(&mut client).contains("\"hello\""));
    let line = read_line(&mut client);
    assert!(line.contains("\"new\"") && line.contains("\"sample_rate_hz\":48000"), "{line}");
    publish(&sink, event(2));
    assert_eq!(event_ids(&read_line(&mut client)), [2]);
}

#[test]
fn a_client_may_talk_or_end_its_input_and_still_gets_its_lines() {
    let (sink, _) = open(tcp());
    publish(&sink, status("ready"));
    let mut client = join_tcp(sink.tcp_address().unwrap());
    client.get_mut().write_all(&vec![b'?'; 1 << 20]).unwrap();
    client.get_mut().shutdown(Shutdown::Write).unwrap();
    publish(&sink, event(1));
    assert_eq!(event_ids(&read_line(&mut client)), [1]);
}

#[test]
fn clients_beyond_the_limit_are_turned_away_and_a_place_becomes_free_again() {
    let (sink, _) = open(SocketSpec { max_clients: 1, ..tcp() });
    publish(&sink, status("ready"));
    let address = sink.tcp_address().unwrap();
    let first = join_tcp(address);
    let mut line = String::new();
    BufReader::new(TcpStream::connect(address).unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("refused") && line.contains("full"), "{line}");
    drop(first);
    wait_until("a free place", || {
        publish(&sink, event(1));
        let mut line = String::new();
        let stream = TcpStream::connect(address).unwrap();
        BufReader::new(stream).read_line(&mut line).is_ok() && line.contains("\"hello\"")
    });
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(loopback()).unwrap();
    let address = taken.local_addr().unwrap();
    let spec = SocketSpec { tcp: Some(address), ..SocketSpec::default() };
    let error = SocketSink::open(spec, Arc::default(), Arc::new(|| None)).err().unwrap();
    assert!(matches!(error, SinkError::AddressInUse { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let spec = SocketSpec { tcp: Some("192.0.2.1:7000".parse().unwrap()), ..SocketSpec::default() };
    let error = SocketSink::open(spec, Arc::default(), Arc::new(|| None)).err().unwrap();
    assert!(error.to_string().contains("192.0.2.1:7000"), "{error}");
}

#[test]
fn a_unix_socket_has_the_mode_asked_for_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o660, 0o600, 0o666] {
        let path = folder.path().join("tympan.sock");
        let mut spec = unix(&path);
        assert_eq!(spec.unix.as_ref().unwrap().mode, 0o660, "the default");
        spec.unix.as_mut().unwrap().mode = mode;
        let (sink, _) = open(spec);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(sink);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    // dropping a listener leaves its file, as a crash does
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (sink, _) = open(unix(&path));
    publish(&sink, status("ready"));
    join_unix(&path);
}

#[test]
fn a_live_socket_is_refused_and_left_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let (owner, _) = open(unix(&path));
    let error = SocketSink::open(unix(&path), Arc::default(), Arc::new(|| None)).err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, SinkError::SocketLive { .. }), "{error:?}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    publish(&owner, status("still here"));
    join_unix(&path);
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diary.txt");
    fs::write(&path, "dear diary").unwrap();
    let error = SocketSink::open(unix(&path), Arc::default(), Arc::new(|| None)).err().unwrap();
    assert!(matches!(error, SinkError::NotASocket { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
    let missing = folder.path().join("missing/tympan.sock");
    let error = SocketSink::open(unix(&missing), Arc::default(), Arc::new(|| None)).err().unwrap();
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
}

/// Subscribes, and waits until the sink knows.
fn subscribe(client: &mut BufReader<TcpStream>, sink: &SocketSink, request: &str) {
    let before = sink.live_demand();
    client.get_mut().write_all(format!("{request}\nstatus\n").as_bytes()).unwrap();
    wait_until("the subscription", || sink.live_demand() != before);
}

fn level() -> LiveRecord {
    LiveRecord::Level(LevelRecord {
        time: Timestamp::UNIX_EPOCH,
        source: "mic".into(),
        peak_dbfs: -10.0,
        rms_dbfs: -20.0,
        floor_dbfs: -60.0,
        clipped_samples: 0,
    })
}

#[test]
fn what_is_made_on_request_goes_to_those_who_asked_and_is_not_asked_for_once_they_left() {
    let (sink, _) = open(tcp());
    publish(&sink, status("ready"));
    let address = sink.tcp_address().unwrap();
    let (mut asks, other) = (join_tcp(address), join_tcp(address));
    assert_eq!(sink.live_demand(), LiveDemand::default());
    subscribe(&mut asks, &sink, "subscribe events,levels label=dog");
    assert_eq!(sink.live_demand(), LiveDemand { levels: true, ..LiveDemand::default() });
    sink.publish_live(&level());
    publish(&sink, window(1));
    publish(&sink, event(2));
    assert!(read_line(&mut asks).contains("\"type\":\"level\""));
    assert!(read_line(&mut asks).contains("\"label\":\"dog\""));
    drop(asks);
    // it may have ended its input only; that it is gone shows with the next lines
    wait_until("the end of the demand", || {
        sink.publish_live(&level());
        sink.live_demand() == LiveDemand::default()
    });
    drop(sink);
    let text = rest(other);
    assert!(!text.contains("\"level\"") && text.lines().count() == 2, "{text}");
}

#[test]
fn a_client_that_asks_for_reasons_gets_each_window_once_with_them() {
    let (sink, _) = open(tcp());
    publish(&sink, status("ready"));
    let mut client = join_tcp(sink.tcp_address().unwrap());
    subscribe(&mut client, &sink, "subscribe windows,events label=cat reasons");
    let Record::Window(mut with_reasons) = window(1) else { unreachable!() };
    publish(&sink, window(1));
    let (label, reason) = ("cat".into(), Reason::BelowThreshold);
    with_reasons.reasons.push(LabelReason { label, score: 0.3, threshold: 0.6, reason });
    sink.publish_live(&LiveRecord::Window(with_reasons));
    // of another label
    publish(&sink, event(1));
    drop(sink);
    let text = rest(client);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("\"reason\":\"below_threshold\""), "{text}");
}
