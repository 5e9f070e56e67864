//! Another client of the broker, which collects what is sent, and comes back when the broker does.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rumqttc::{Client, Event, MqttOptions, Packet, PublishOptions, QoS};

use super::bare_subscriber::{EventName, event_name};

/// A message as it arrived.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    pub qos: QoS,
}

pub struct Subscriber {
    pub client: Client,
    messages: Arc<Mutex<Vec<Message>>>,
    events: Arc<Mutex<BTreeSet<EventName>>>,
    is_subscribed: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Subscriber {
    /// Of these topics. What comes while it is away is lost to it.
    pub fn new(port: u16, filter: &str) -> Self {
        let name = format!("subscriber-{:016x}", rand::random::<u64>());
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        options.set_max_packet_size(1 << 20, 1 << 20);
        Self::with_options(options, filter)
    }

    pub fn with_options(options: MqttOptions, filter: &str) -> Self {
        let (client, mut connection) = Client::builder(options).capacity(1_000).build();
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let events: Arc<Mutex<BTreeSet<EventName>>> = Arc::default();
        let named = Arc::clone(&events);
        let is_subscribed = Arc::new(AtomicBool::new(false));
        let is_over = Arc::new(AtomicBool::new(false));
        let (collected, subscribed, over) =
            (Arc::clone(&messages), Arc::clone(&is_subscribed), Arc::clone(&is_over));
        let (asking, filter) = (client.clone(), filter.to_owned());
        let thread = std::thread::spawn(move || {
            // SeqCst: tests need no speed
            while !over.load(Ordering::SeqCst) {
                match connection.recv() {
                    Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                        asking.try_subscribe(&*filter, QoS::AtLeastOnce).unwrap();
                    }
                    Ok(Ok(Event::Incoming(Packet::SubAck(_)))) => {
                        // SeqCst: see above
                        subscribed.store(true, Ordering::SeqCst);
                    }
                    Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                        let message = Message {
                            topic: String::from_utf8(publish.topic.to_vec()).unwrap(),
                            payload: String::from_utf8(publish.payload.to_vec()).unwrap(),
                            retain: publish.retain,
                            qos: publish.qos,
                        };
                        named
                            .lock()
                            .unwrap()
                            .extend(event_name(&message.topic, message.payload.as_bytes()));
                        collected.lock().unwrap().push(message);
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => {
                        // SeqCst: see above
                        subscribed.store(false, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Err(_) => return,
                }
            }
        });
        Self { client, messages, events, is_subscribed, is_over, thread: Some(thread) }
    }

    pub fn is_subscribed(&self) -> bool {
        // SeqCst: see above
        self.is_subscribed.load(Ordering::SeqCst)
    }

    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// The payloads of one topic, in their order.
    pub fn payloads(&self, topic: &str) -> Vec<String> {
        let messages = self.messages();
        messages.into_iter().filter(|it| it.topic == topic).map(|it| it.payload).collect()
    }

    /// Every event among the records, each once.
    pub fn events(&self) -> BTreeSet<EventName> {
        self.events.lock().unwrap().clone()
    }

    pub fn publish(&self, topic: &str, payload: &str, is_retained: bool) {
        let options = PublishOptions::at_least_once().retain(is_retained);
        self.client.publish(topic, payload, options).unwrap();
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        // SeqCst: see above
        self.is_over.store(true, Ordering::SeqCst);
        let _ = self.client.disconnect();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
