//! A client of the broker that reads bytes and keeps the names of events.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::gate::Flag;

/// CONNECT of MQTT 3.1.1, of a client `me` without keep-alive.
pub const CONNECT: &[u8] = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02me";
pub const PUBLISH: u8 = 3;
const SUBACK: u8 = 9;

/// Run, id and phase of an event.
pub type EventName = (String, u64, String);

/// Reads all that a broker has written before it dies, to the last byte; a library gives up what it has not handed over yet. It
/// acknowledges nothing, because a broker that dies with unread bytes takes back what it has written.
pub struct BareSubscriber {
    events: Arc<Mutex<BTreeSet<EventName>>>,
    is_subscribed: Flag,
    is_over: Flag,
}

impl BareSubscriber {
    pub fn of(port: u16) -> Self {
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

    pub fn is_subscribed(&self) -> bool {
        self.is_subscribed.is_set()
    }

    pub fn events(&self) -> BTreeSet<EventName> {
        self.events.lock().unwrap().clone()
    }

    pub fn event_count(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

impl Drop for BareSubscriber {
    fn drop(&mut self) {
        self.is_over.set(true);
    }
}

/// Kind and body.
pub fn read_packet(client: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    client.read_exact(&mut byte)?;
    let kind = byte[0] >> 4;
    let (mut length, mut shift) = (0, 0);
    loop {
        client.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok((kind, body))
}

/// The event of a message, if it is one of a record.
pub fn event_name(topic: &str, payload: &[u8]) -> Option<EventName> {
    if !topic.ends_with("/records") {
        return None;
    }
    let record: Value = serde_json::from_slice(payload).unwrap();
    (record["type"] == "event").then(|| name_of(&record))
}

pub fn name_of(record: &Value) -> EventName {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    (text("run"), record["id"].as_u64().unwrap(), text("phase"))
}
