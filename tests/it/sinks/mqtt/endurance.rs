//! Nothing is lost over a broker's death, whatever it remembers, nor over a first connection that fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tympan::domain::{Counter, Published};
use tympan::sinks::{LogFile, LogFileSpec, MqttSpec, Outlet, RecordFilter, Sink, SinkClosed};

use super::bare_subscriber::{BareSubscriber, CONNECT, PUBLISH, name_of};
use super::gate::{Flag, Gate};
use super::mosquitto::{Memory, Mosquitto};
use super::subscriber::Subscriber;
use super::{free_port, offset, open, spec, wait_until};
use crate::sinks::{event, publish};

/// However a test ends, its threads do.
struct SetWhenDropped<'a>(&'a Flag);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Kills the broker so many times while events happen; what the subscriber has at the end is what the log has.
fn nothing_is_lost_over(kills: u32, memory: Memory) {
    let Some(mut broker) = Mosquitto::start(memory) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let log = LogFileSpec { records: RecordFilter::WithoutWindows, ..LogFileSpec::new(&path) };
    let mut log = LogFile::open(log, Arc::default()).unwrap();
    let subscriber = BareSubscriber::of(broker.port);
    let gate = Gate::to(broker.port);
    let sink = open(spec(gate.port));
    let (is_over, published) = (Flag::default(), Counter::default());
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let mut id = 0;
            while !is_over.is_set() {
                id += 1;
                for record in [event(id), offset(id)] {
                    log.write(&Published::from(record.clone())).unwrap();
                    publish(&sink, record);
                }
                published.add(1);
                // as a busy room does, and a queue of hours does not overflow
                let is_far_behind =
                    || id - (subscriber.event_count() as u64 / 2) > MqttSpec::CAPACITY as u64 / 4;
                std::thread::sleep(Duration::from_millis(4));
                while is_far_behind() && !is_over.is_set() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            log.flush().unwrap();
        });
        let _ending = SetWhenDropped(&is_over);
        let mut seen = 0;
        for kill in 0..=kills {
            wait_until("the subscriber", || subscriber.is_subscribed());
            gate.is_open.set(true);
            wait_until("the client", || gate.clients() > 0);
            wait_until("events", || subscriber.event_count() > seen + 20);
            seen = subscriber.event_count();
            if kill < kills {
                gate.is_open.set(false);
                match memory {
                    Memory::None => broker.kill(),
                    // what it has acknowledged is its own to keep, and it does so when it ends in order
                    Memory::Persistent => broker.stop(),
                }
                wait_until("the end of the broker", || !subscriber.is_subscribed());
                let before = published.get();
                wait_until("events meanwhile", || published.get() > before + 5);
                broker.restart();
            }
        }
        is_over.set(true);
        publishing.join().unwrap();
    });
    let logged: BTreeSet<(u64, String)> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| name_of(&serde_json::from_str::<Value>(line).unwrap()))
        .map(|(_, id, phase)| (id, phase))
        .collect();
    wait_until("the last event", || subscriber.event_count() >= logged.len());
    let received = subscriber.events();
    let runs: BTreeSet<&String> = received.iter().map(|(run, ..)| run).collect();
    assert_eq!(runs.len(), 1, "one run");
    let received: BTreeSet<(u64, String)> =
        received.iter().map(|(_, id, phase)| (*id, phase.clone())).collect();
    assert_eq!(received, logged);
    assert_eq!(sink.metrics().dropped(), 0);
}

#[test]
fn twenty_deaths_of_a_broker_without_memory_lose_no_event() {
    nothing_is_lost_over(20, Memory::None);
}

#[test]
fn twenty_deaths_of_a_broker_with_a_memory_lose_no_event() {
    nothing_is_lost_over(20, Memory::Persistent);
}

#[test]
fn what_happens_before_the_first_connection_arrives_after_it() {
    let settings = |_: &std::path::Path| "allow_anonymous true\n".to_owned();
    let Some(mut broker) = Mosquitto::prepared(Memory::None, settings) else { return };
    let gate = Gate::to(broker.port);
    let sink = open(spec(gate.port));
    for id in 1..=200 {
        publish(&sink, event(id));
        publish(&sink, offset(id));
    }
    wait_until("the failure", || sink.metrics().is_failing());
    broker.restart();
    let subscriber = Subscriber::new(broker.port, "tympan/test/#");
    wait_until("the subscriber", || subscriber.is_subscribed());
    gate.is_open.set(true);
    wait_until("every event", || subscriber.events().len() == 400);
    wait_until("the recovery", || !sink.metrics().is_failing());
    let payloads = subscriber.payloads("tympan/test/status");
    assert_eq!(payloads, ["online"]);
    let order = subscriber.messages();
    let online = order.iter().position(|it| it.payload == "online").unwrap();
    let last = order.iter().rposition(|it| it.topic.ends_with("/records")).unwrap();
    assert!(last < online, "online comes after what waited");
}

#[test]
fn a_queue_that_is_full_drops_what_is_new_and_counts_it() {
    let sink = open(MqttSpec { capacity: 10, ..spec(free_port()) });
    for id in 1..=30 {
        publish(&sink, event(id));
    }
    assert_eq!((sink.metrics().dropped(), sink.metrics().queued()), (20, 10));
    sink.begin_close(&[]);
    wait_until("the end", || sink.ends_by(Instant::now()));
    assert_eq!(sink.finish(), SinkClosed::Ended);
    assert_eq!(sink.metrics().dropped(), 30, "what was never delivered is counted as well");
}

/// Prints what an onset takes from its publication to a subscriber on this machine:
/// `cargo test --release --no-default-features --test it onset_takes -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and asserts nothing about time"]
fn how_long_an_onset_takes_to_a_subscriber() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    let sink = open(MqttSpec { label_states: Vec::new(), ..spec(broker.port) });
    let mut receiver = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
    // CONNECT and SUBSCRIBE of MQTT 3.1.1, written out so that the clock stops at the first byte of a message
    receiver.write_all(CONNECT).unwrap();
    receiver.write_all(b"\x82\x1a\x00\x01\x00\x15tympan/test/mic/event\x00").unwrap();
    let mut answers = [0; 4 + 5];
    receiver.read_exact(&mut answers).unwrap();
    let mut round = |id| {
        std::thread::sleep(Duration::from_millis(3));
        let begun = Instant::now();
        publish(&sink, event(id));
        let mut first = [0];
        receiver.read_exact(&mut first).unwrap();
        let taken = begun.elapsed();
        assert_eq!(first[0] >> 4, PUBLISH, "a message");
        let mut rest = vec![0; remaining_length(&mut receiver)];
        receiver.read_exact(&mut rest).unwrap();
        taken
    };
    // the first waits for the connection
    round(1);
    let mut taken: Vec<Duration> = (2..=1_001).map(round).collect();
    taken.sort();
    println!(
        "event to subscriber: p50 {:?}, p99 {:?}, longest {:?}",
        taken[500], taken[990], taken[999]
    );
}

/// How many bytes of a packet follow.
fn remaining_length(stream: &mut TcpStream) -> usize {
    let (mut length, mut shift) = (0, 0);
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            return length;
        }
    }
}
