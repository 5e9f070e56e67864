//! Sinks in trouble: a full disk, a folder that goes away, a file that is read while it is rotated, clients by the thousand,
//! clients without the token. The others never notice, and what was in trouble recovers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::bounded;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tympan::domain::{OutputCounters, Overflow};
use tympan::protocol::{Message, Token, write_json_line};
use tympan::sinks::{
    LogFile, LogFileSpec, Outlet, QueueCapacity, Sink, SinkClosed, SinkEnd, SinkHandle, SocketSink,
    SocketSpec, UnixSocketSpec, spawn_sink,
};

use crate::support::skipping::skipped;

use super::{
    PATIENCE, close_all, daemon_status, event, event_ids, publish, read_greeting, status,
    wait_until,
};

/// A file system of 1 MiB.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None, and said aloud, where only root may mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (kind, options) = (Some("tmpfs"), Some("size=1m"));
        match mount(Some("tmpfs"), folder.path(), kind, MsFlags::empty(), options) {
            Ok(()) => Some(Self(folder)),
            Err(error) => {
                skipped(&format!("a small file system cannot be mounted ({error}); root can"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _left_to_the_system = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}

/// A sink at work, and its counters.
fn at_work(sink: impl Sink + 'static) -> (SinkHandle, Arc<OutputCounters>) {
    let counters = Arc::new(OutputCounters::default());
    let (ended, _) = bounded::<SinkEnd>(1);
    let (capacity, overflow) = (QueueCapacity::default(), Overflow::DropNewest);
    let handle = spawn_sink(Box::new(sink), capacity, overflow, Arc::clone(&counters), ended);
    (handle.unwrap(), counters)
}

fn log_file(path: &Path) -> LogFile {
    LogFile::open(LogFileSpec::new(path), Arc::default()).unwrap()
}

fn offer(handle: &SinkHandle, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        publish(handle, event(id));
    }
}

/// The events in a file that may be being written: the last line counts once it has ended.
fn ids_in(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    event_ids(&text[..text.rfind('\n').map_or(0, |end| end + 1)])
}

#[test]
fn events_wait_for_a_full_disk_to_have_room_and_a_healthy_log_misses_none() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount() else { return };
    let (full, healthy) = (disk.path().join("full.jsonl"), folder.path().join("healthy.jsonl"));
    let (sick, counters) = at_work(log_file(&full));
    // with room for a few hundred events
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 960 * 1024]).unwrap();
    let (well, _) = at_work(log_file(&healthy));
    for id in 1..=2_000 {
        offer(&sick, id..=id);
        offer(&well, id..=id);
    }
    let metrics = Arc::clone(sick.metrics());
    wait_until("the failure", || metrics.is_failing());
    wait_until("the healthy log", || ids_in(&healthy).len() == 2_000);
    assert_eq!((well.metrics().is_failing(), counters.events_dropped.get()), (false, 0));
    assert!(!ids_in(&full).is_empty(), "it was full from the start");
    // somebody makes room
    fs::remove_file(&filler).unwrap();
    wait_until("the recovery", || ids_in(&full).len() == 2_000);
    offer(&sick, 2_001..=2_001);
    wait_until("an event after it", || ids_in(&full).last() == Some(&2_001));
    assert!(!metrics.is_failing());
    assert_eq!(ids_in(&full), (1..=2_001).collect::<Vec<u64>>());
    let closed = close_all(&[&sick, &well], PATIENCE);
    assert_eq!(closed, [SinkClosed::Drained, SinkClosed::Drained]);
}

#[test]
fn a_folder_that_is_deleted_and_comes_back_holds_what_was_written_after() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("logs");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("tympan.jsonl");
    let (handle, counters) = at_work(log_file(&path));
    offer(&handle, 1..=10);
    wait_until("the first events", || ids_in(&path).len() == 10);
    fs::remove_dir_all(&inner).unwrap();
    offer(&handle, 11..=20);
    wait_until("the failure", || handle.metrics().is_failing());
    fs::create_dir(&inner).unwrap();
    wait_until("the recovery", || ids_in(&path).len() == 10);
    assert_eq!(ids_in(&path), (11..=20).collect::<Vec<u64>>());
    assert_eq!(counters.events_dropped.get(), 0);
}

#[test]
fn a_reader_that_follows_the_file_reads_whole_lines_across_rotations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.jsonl");
    let spec = LogFileSpec { file_bytes: 2_000, total_bytes: 1_000_000, ..LogFileSpec::new(&path) };
    let (handle, _) = at_work(LogFile::open(spec, Arc::default()).unwrap());
    let mut seen = Vec::new();
    let mut reader = BufReader::new(fs::File::open(&path).unwrap());
    let mut next = 1;
    // as `tail -F`: read to the end, then look whether the name means another file
    while seen.len() < 500 {
        if next <= 500 {
            offer(&handle, next..=next);
            next += 1;
        }
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() > 0 {
            // the rest of it may be on its way
            wait_until("the end of a line", || {
                line.ends_with('\n')
                    || (reader.read_line(&mut line).is_ok() && line.ends_with('\n'))
            });
            seen.extend(event_ids(&line));
        } else if let Some(rotated) = follow(&path, seen.last().copied()) {
            reader = rotated;
        }
    }
    assert_eq!(seen, (1..=500).collect::<Vec<u64>>());
}

/// The file that holds the event after `last`, from that event on.
fn follow(path: &Path, last: Option<u64>) -> Option<BufReader<fs::File>> {
    let wanted = last? + 1;
    let folder = path.parent().unwrap();
    fs::read_dir(folder).unwrap().find_map(|entry| {
        let mut reader = BufReader::new(fs::File::open(entry.unwrap().path()).ok()?);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                return None;
            }
            if event_ids(&line) == [wanted] {
                reader.seek_relative(-(line.len() as i64)).unwrap();
                return Some(reader);
            }
        }
    })
}

fn socket(spec: SocketSpec) -> (SocketSink, SocketAddr) {
    let tcp = Some("127.0.0.1:0".parse().unwrap());
    let sink = SocketSink::open(
        SocketSpec { tcp, ..spec },
        Arc::default(),
        Arc::new(|| Some(daemon_status())),
    )
    .unwrap();
    publish(&sink, status("ready"));
    let address = sink.tcp_address().unwrap();
    (sink, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn line_of(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_thousand_clients_come_and_go_and_one_that_stays_gets_every_event() {
    let (sink, address) = socket(SocketSpec { max_clients: 40, ..SocketSpec::default() });
    let mut faithful = BufReader::new(connect(address));
    read_greeting(&mut faithful);
    let intruders: Vec<_> = (0..4)
        .map(|turn| {
            std::thread::spawn(move || {
                for visit in 0..250 {
                    let mut client = connect(address);
                    match (turn + visit) % 4 {
                        // leaves at once
                        0 => {}
                        // reads a line
                        1 => drop(client.read(&mut [0; 100])),
                        // sends invalid lines, and leaves with input unread: a reset
                        2 => drop(client.write_all(&[b'?'; 10_000])),
                        // half closes
                        _ => drop(client.shutdown(Shutdown::Write)),
                    }
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    for id in 1..=1_000 {
        publish(&sink, event(id));
        seen.extend(event_ids(&line_of(&mut faithful)));
    }
    for intruder in intruders {
        intruder.join().unwrap();
    }
    assert_eq!(seen, (1..=1_000).collect::<Vec<u64>>());
    // none of them kept a place
    let mut joined = Vec::new();
    wait_until("39 free places", || {
        publish(&sink, event(1_001));
        let mut client = BufReader::new(connect(address));
        let mut line = String::new();
        if client.read_line(&mut line).is_ok() && line.contains("\"hello\"") {
            joined.push(client);
        }
        joined.len() == 39
    });
}

#[test]
fn a_client_that_sends_megabytes_of_invalid_lines_is_served_and_answered_after_them() {
    let (sink, address) = socket(SocketSpec::default());
    let mut client = BufReader::new(connect(address));
    read_greeting(&mut client);
    client.get_mut().write_all(&vec![b'x'; 8 << 20]).unwrap();
    client.get_mut().write_all(b"\nGET / HTTP/1.1\r\n\r\n\x00\xffstatus\n").unwrap();
    publish(&sink, event(7));
    assert_eq!(event_ids(&line_of(&mut client)), [7]);
    client.get_mut().write_all(b"status\n").unwrap();
    let mut answer = String::new();
    write_json_line(&Message::Daemon(Box::new(daemon_status())), &mut answer);
    assert_eq!(line_of(&mut client), answer);
    publish(&sink, event(8));
    assert_eq!(event_ids(&line_of(&mut client)), [8]);
}

#[test]
fn beyond_the_token_a_tcp_client_gets_nothing_and_the_unix_socket_asks_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let token = Token::new("correct-horse-battery\n");
    assert!(token.is_some() && Token::new("short").is_none());
    let unix = Some(UnixSocketSpec::new(&path));
    let (sink, address) = socket(SocketSpec { token, unix, ..SocketSpec::default() });
    for wrong in ["token correct-horse-batterz\n", "token \n", "status\n", "\n"] {
        let mut intruder = connect(address);
        intruder.write_all(wrong.as_bytes()).unwrap();
        let mut message = String::new();
        intruder.read_to_string(&mut message).unwrap();
        assert!(
            message.starts_with("{\"type\":\"refused\"") && message.lines().count() == 1,
            "{message}"
        );
    }
    // one that says nothing is not served meanwhile
    let silent = connect(address);
    silent.set_nonblocking(true).unwrap();
    let mut friend = BufReader::new(connect(address));
    friend.get_mut().write_all(b"token correct-horse-battery\nstatus\n").unwrap();
    read_greeting(&mut friend);
    assert!(line_of(&mut friend).contains("\"daemon\""));
    publish(&sink, event(1));
    assert_eq!(event_ids(&line_of(&mut friend)), [1]);
    assert!((&silent).read(&mut [0; 100]).is_err(), "something came without a token");
    let mut local = BufReader::new(UnixStream::connect(&path).unwrap());
    read_greeting(&mut local);
}

#[test]
fn while_there_is_nothing_to_write_clients_that_left_keep_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let unix = Some(UnixSocketSpec::new(&path));
    let (_sink, _) = socket(SocketSpec { unix, max_clients: 2, ..SocketSpec::default() });
    for visit in 0..6 {
        wait_until(&format!("a place for visit {visit}"), || {
            let mut client = UnixStream::connect(&path).unwrap();
            // turned away, it may be hung up on meanwhile
            let _ = client.write_all(b"status\n");
            let mut answer = String::new();
            let _ = BufReader::new(client).take(200).read_line(&mut answer);
            answer.contains("hello")
        });
    }
}

/// A socket that asks for a token, beside one that asks for none; with the counters of what is refused.
fn guarded(folder: &Path, spec: SocketSpec) -> (SocketSink, SocketAddr, Arc<OutputCounters>) {
    let unix = Some(UnixSocketSpec::new(folder.join("tympan.sock")));
    let tcp = Some("127.0.0.1:0".parse().unwrap());
    let token = Token::new("correct-horse-battery");
    let counters = Arc::new(OutputCounters::default());
    let spec = SocketSpec { unix, tcp, token, ..spec };
    let sink =
        SocketSink::open(spec, Arc::clone(&counters), Arc::new(|| Some(daemon_status()))).unwrap();
    publish(&sink, status("ready"));
    let address = sink.tcp_address().unwrap();
    (sink, address, counters)
}

fn owner(address: SocketAddr) -> BufReader<TcpStream> {
    let mut owner = BufReader::new(connect(address));
    owner.get_mut().write_all(b"token correct-horse-battery\nstatus\n").unwrap();
    read_greeting(&mut owner);
    assert!(line_of(&mut owner).contains("\"daemon\""));
    owner
}

#[test]
fn clients_who_send_nothing_take_no_place_from_owners_on_either_socket() {
    let folder = tempfile::tempdir().unwrap();
    // one that has left keeps its place until something is written to it
    let spec = SocketSpec { max_clients: 8, ..SocketSpec::default() };
    let (_sink, address, counters) = guarded(folder.path(), spec);
    let mut silent = Vec::new();
    for intruder in 0..400 {
        silent.push(connect(address));
        if intruder % 100 == 99 {
            let _first = owner(address);
            let mut local = UnixStream::connect(folder.path().join("tympan.sock")).unwrap();
            local.write_all(b"status\n").unwrap();
            let mut local = BufReader::new(local);
            read_greeting(&mut local);
            assert!(line_of(&mut local).contains("\"daemon\""));
        }
    }
    // the first ones gave way to the last
    wait_until("the first clients' end", || counters.clients_refused.get() >= 100);
    assert_eq!(silent[0].read(&mut [0; 10]).unwrap_or(0), 0);
}

#[test]
fn a_full_house_says_so_in_a_line_and_the_other_socket_has_its_own_places() {
    let folder = tempfile::tempdir().unwrap();
    let spec = SocketSpec { max_clients: 1, ..SocketSpec::default() };
    let (_sink, address, counters) = guarded(folder.path(), spec);
    let _owner = owner(address);
    let mut second = connect(address);
    second.write_all(b"token correct-horse-battery\nstatus\n").unwrap();
    let mut message = String::new();
    second.read_to_string(&mut message).unwrap();
    assert_eq!(
        message,
        "{\"type\":\"refused\",\"detail\":\"full: max_clients are connected already\"}\n"
    );
    assert_eq!(counters.clients_refused.get(), 1);
    let path = folder.path().join("tympan.sock");
    let mut local = BufReader::new(UnixStream::connect(&path).unwrap());
    read_greeting(&mut local);
    let mut second = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut second).unwrap();
    assert!(second.contains("refused") && second.contains("full"), "{second}");
}

#[test]
fn questions_by_the_thousand_are_answered_one_after_the_other_while_others_are_served() {
    let (sink, address) = socket(SocketSpec::default());
    let mut curious = connect(address);
    curious.set_nonblocking(true).unwrap();
    let mut faithful = BufReader::new(connect(address));
    read_greeting(&mut faithful);
    for id in 1..=300 {
        // as fast as it takes them
        while curious.write(&b"status\n".repeat(500)).is_ok() {}
        publish(&sink, event(id));
        assert_eq!(event_ids(&line_of(&mut faithful)), [id]);
    }
}
