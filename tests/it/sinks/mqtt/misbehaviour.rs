//! Brokers that do not behave: the client says so, tries again without haste, and ends when it is told to.

use std::time::{Duration, Instant};

use tympan::domain::Overflow;
use tympan::sinks::{MqttSpec, MqttTimes, Outlet, SinkClosed, probe_broker};

use super::fake_broker::{FakeBroker, Manner};
use super::{free_port, open, spec, wait_until};
use crate::sinks::{PATIENCE, event, publish};

#[test]
fn a_broker_that_acknowledges_nothing_is_left_and_tried_again() {
    let broker = FakeBroker::start(Manner::NeverAcknowledges);
    let usual = spec(broker.port);
    let times = MqttTimes { acknowledged_within: Duration::from_millis(100), ..usual.times };
    let sink = open(MqttSpec { times, ..usual });
    publish(&sink, event(1));
    wait_until("another attempt", || broker.connections().len() >= 3);
    assert!(sink.metrics().is_failing());
    assert_eq!(sink.metrics().dropped(), 0, "the event still waits");
}

#[test]
fn bytes_that_are_no_mqtt_end_a_connection_and_nothing_else() {
    let broken: [&[u8]; 5] = [
        // kinds that do not exist
        b"\x00\x00",
        b"\xf0\x00",
        // a message of 256 MB
        b"\x30\xff\xff\xff\x7f",
        // a length without an end
        b"\x30\xff\xff\xff\xff\xff\xff",
        // a topic that is longer than its message
        b"\x30\x04\xff\xffab",
    ];
    for bytes in broken {
        let broker = FakeBroker::start(Manner::Sends(bytes));
        let sink = open(spec(broker.port));
        publish(&sink, event(1));
        wait_until("another attempt", || broker.connections().len() >= 3);
        assert!(sink.metrics().is_failing(), "{bytes:?}");
    }
}

#[test]
fn a_client_whose_name_another_one_takes_comes_back_ever_more_slowly() {
    let broker = FakeBroker::start(Manner::HangsUpAfter(1));
    let usual = spec(broker.port);
    let times = MqttTimes {
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_secs(10),
        settled_after: Duration::from_secs(3_600),
        ..usual.times
    };
    let sink = open(MqttSpec { times, ..usual });
    wait_until("several attempts", || broker.connections().len() >= 6);
    let connections = broker.connections();
    let pauses: Vec<Duration> =
        connections.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    for (attempt, pause) in pauses.iter().enumerate() {
        let shortest = Duration::from_millis(10) * 2_u32.pow(u32::try_from(attempt).unwrap());
        assert!(*pause >= shortest, "{pauses:?}");
    }
    assert!(sink.metrics().is_failing());
}

#[test]
fn a_silent_broker_delays_neither_a_publisher_nor_the_end() {
    let broker = FakeBroker::start(Manner::Silent);
    let sink = open(spec(broker.port));
    wait_until("the connection", || !broker.connections().is_empty());
    for id in 1..=MqttSpec::CAPACITY as u64 + 1 {
        publish(&sink, event(id));
    }
    assert_eq!(sink.metrics().dropped(), 1);
    sink.begin_close(&[]);
    assert!(!sink.ends_by(Instant::now()), "it still tries");
    assert_eq!(sink.finish(), SinkClosed::LeftBehind);
    assert_eq!(sink.metrics().dropped(), MqttSpec::CAPACITY as u64 + 1);
}

#[test]
fn where_everybody_waits_for_room_a_broker_that_fails_ends_the_daemon() {
    let sink = open(MqttSpec { overflow: Overflow::Block, capacity: 1, ..spec(free_port()) });
    let (sender, ended) = crossbeam_channel::bounded(1);
    sink.on_end(Box::new(move |end| sender.send(end).unwrap()));
    let end = ended.recv_timeout(PATIENCE).unwrap();
    assert!(end.cause.to_string().contains("cannot reach the broker at 127.0.0.1:"), "{end:?}");
    // and nobody waits for room any more
    for id in 1..=3 {
        sink.publish(&crate::sinks::shared(event(id)), Overflow::Block);
    }
}

#[test]
fn a_probe_says_what_is_wrong_with_a_broker() {
    let unreachable = probe_broker(&spec(free_port())).unwrap_err().to_string();
    assert!(unreachable.contains("cannot reach the broker"), "{unreachable}");
    let broker = FakeBroker::start(Manner::HangsUpAfter(0));
    // it greets, and that is all that is asked
    probe_broker(&spec(broker.port)).unwrap();
}
