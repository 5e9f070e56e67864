//! Nothing is lost over a broker's death, whatever it remembers, nor over a first connection that fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tympan::domain::{Counter, Published};
use tympan::sinks::{LogFile, LogFileSpec, MqttSpec, Outlet, RecordFilter, Sink, SinkClosed};

use super::fake_broker::read_packet;
use super::mosquitto::{Memory, Mosquitto};
use super::subscriber::{EventName, Subscriber, event_name, name_of};
use super::{free_port, offset, open, spec, wait_until};
use crate::sinks::{event, publish};

/// CONNECT of MQTT 3.1.1, of a client `me` without keep-alive.
const CONNECT: &[u8] = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02me";
const PUBLISH: u8 = 3;
const SUBACK: u8 = 9;

/// A port that leads to the broker while it is open. What no subscriber listens to, a broker without memory acknowledges and
/// forgets: the gate keeps the client away until the subscriber is back.
struct Gate {
    port: u16,
    is_open: Flag,
}

/// However a test ends, its threads do.
struct SetWhenDropped<'a>(&'a Flag);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Set by one thread, seen by others.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn set(&self, is_set: bool) {
        // SeqCst: tests need no speed
        self.0.store(is_set, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        // SeqCst: see above
        self.0.load(Ordering::SeqCst)
    }
}

impl Gate {
    fn to(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_open = Flag::default();
        let open = is_open.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if let Ok(client) = client
                    && open.is_set()
                    && let Ok(broker) = TcpStream::connect(("127.0.0.1", broker))
                {
                    forward(client.try_clone().unwrap(), broker.try_clone().unwrap());
                    forward(broker, client);
                }
            }
        });
        Self { port, is_open }
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

/// Reads all that a broker has written before it dies, to the last byte; a library gives up what it has not handed over yet. It
/// acknowledges nothing, because a broker that dies with unread bytes takes back what it has written.
struct BareSubscriber {
    events: Arc<Mutex<BTreeSet<EventName>>>,
    is_subscribed: Flag,
    is_over: Flag,
}

impl BareSubscriber {
    fn of(port: u16) -> Self {
        let events: Arc<Mutex<BTreeSet<EventName>>> = Arc::default();
        let (is_subscribed, is_over) = (Flag::default(), Flag::default());
        let (collected, subscribed, over) =
            (Arc::clone(&events), is_subscribed.clone(), is_over.clone());
        std::thread::spawn(move || {
            while !over.is_set() {
                // an error is the end of the broker
                let _ = Self::read_from(port, &collected, &subscribed);
                subscribed.set(false);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { events, is_subscribed, is_over }
    }

    fn read_from(
        port: u16,
        events: &Mutex<BTreeSet<EventName>>,
        subscribed: &Flag,
    ) -> io::Result<()> {
        let mut broker = TcpStream::connect(("127.0.0.1", port))?;
        broker.write_all(CONNECT)?;
        broker.write_all(b"\x82\x12\x00\x01\x00\x0dtympan/test/#\x00")?;
        loop {
            let (kind, body) = read_packet(&mut broker)?;
            if kind == SUBACK {
                subscribed.set(true);
            } else if kind == PUBLISH {
                let topic_bytes = u16::from_be_bytes([body[0], body[1]]);
                let (topic, payload) = body[2..].split_at(usize::from(topic_bytes));
                let topic = String::from_utf8_lossy(topic);
                events.lock().unwrap().extend(event_name(&topic, payload));
            }
        }
    }

    fn is_subscribed(&self) -> bool {
        self.is_subscribed.is_set()
    }

    fn events(&self) -> BTreeSet<EventName> {
        self.events.lock().unwrap().clone()
    }

    fn event_count(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

impl Drop for BareSubscriber {
    fn drop(&mut self) {
        self.is_over.set(true);
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
