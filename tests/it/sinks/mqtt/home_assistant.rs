//! What a broker retains, and what Home Assistant gets from it.

use std::time::{Duration, Instant};

use serde_json::Value;
use tympan::domain::LabelSet;
use tympan::sinks::{MqttSpec, MqttTimes, Outlet};

use super::mosquitto::{Memory, Mosquitto};
use super::subscriber::Subscriber;
use super::{offset, open, spec, wait_until};
use crate::sinks::{event, publish, status, window};

const CONFIG: &str = "homeassistant/device/tympan_test_mic/config";

fn announcing(port: u16) -> MqttSpec {
    let usual = spec(port);
    let times = MqttTimes { announced_within: Duration::ZERO, ..usual.times };
    MqttSpec { discovery_prefix: Some("homeassistant".to_owned()), times, ..usual }
}

/// The newest payload of each topic that a client gets which comes later: what the broker retains.
fn retained(port: u16) -> std::collections::BTreeMap<String, String> {
    let late = Subscriber::new(port, "#");
    wait_until("the subscription", || late.is_subscribed());
    late.publish("done", "", false);
    wait_until("what is retained", || !late.payloads("done").is_empty());
    let messages = late.messages().into_iter().filter(|message| message.retain);
    messages.map(|message| (message.topic, message.payload)).collect()
}

#[test]
fn a_broker_retains_how_things_stand_and_nothing_that_happened() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    // what another run left behind when it crashed
    let subscriber = Subscriber::new(broker.port, "tympan/test/#");
    wait_until("the subscription", || subscriber.is_subscribed());
    subscriber.publish("tympan/test/mic/label/dog", "ON", true);
    wait_until("the remains", || !subscriber.messages().is_empty());
    let sink = open(announcing(broker.port));
    wait_until("online", || subscriber.payloads("tympan/test/status") == ["online"]);
    assert_eq!(retained(broker.port)["tympan/test/mic/label/dog"], "OFF");

    publish(&sink, status("listening"));
    publish(&sink, event(1));
    wait_until("the sound", || {
        subscriber.payloads("tympan/test/mic/label/dog").last().is_some_and(|it| it == "ON")
    });
    publish(&sink, offset(1));
    publish(&sink, event(2));
    wait_until("the second sound", || subscriber.events().len() == 3);
    sink.begin_close(&[]);
    wait_until("the end", || sink.ends_by(Instant::now()));
    sink.finish();
    assert_eq!(sink.metrics().dropped(), 0);

    let retained = retained(broker.port);
    let topics: Vec<&str> = retained.keys().map(|topic| &**topic).collect();
    let expected = [
        CONFIG,
        "tympan/test/mic/label/dog",
        "tympan/test/mic/label/dog/attributes",
        "tympan/test/mic/last",
        "tympan/test/mic/state",
        "tympan/test/status",
    ];
    assert_eq!(topics, expected);
    assert_eq!(retained["tympan/test/status"], "offline");
    assert_eq!(retained["tympan/test/mic/label/dog"], "OFF", "nobody listens any more");
    let last: Value = serde_json::from_str(&retained["tympan/test/mic/last"]).unwrap();
    assert_eq!((&last["phase"], &last["id"]), (&"offset".into(), &1.into()));
    let onsets = subscriber.payloads("tympan/test/mic/event");
    let onset: Value = serde_json::from_str(&onsets[0]).unwrap();
    assert_eq!((&onset["event_type"], &onset["phase"]), (&"dog".into(), &"onset".into()));
    assert_eq!(onsets.len(), 2);
}

#[test]
fn a_daemon_that_is_gone_without_a_word_is_offline() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    let subscriber = Subscriber::new(broker.port, "tympan/test/status");
    wait_until("the subscription", || subscriber.is_subscribed());
    let sink = open(spec(broker.port));
    wait_until("online", || subscriber.payloads("tympan/test/status") == ["online"]);
    // another client takes the name, and with it the connection
    let options = rumqttc::MqttOptions::new("tympan-test", ("127.0.0.1", broker.port));
    let thief = Subscriber::with_options(options, "nothing");
    wait_until("the will", || {
        subscriber.payloads("tympan/test/status").get(1).is_some_and(|it| it == "offline")
    });
    drop(thief);
    wait_until("the return", || {
        subscriber.payloads("tympan/test/status").last().is_some_and(|it| it == "online")
    });
    drop(sink);
}

#[test]
fn home_assistant_gets_announcements_again_when_it_starts_and_when_the_model_changes() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    let subscriber = Subscriber::new(broker.port, "homeassistant/device/#");
    wait_until("the subscription", || subscriber.is_subscribed());
    let sink = open(announcing(broker.port));
    wait_until("the announcement", || subscriber.payloads(CONFIG).len() == 1);
    wait_until("it, once more", || {
        subscriber.publish("homeassistant/status", "online", false);
        subscriber.payloads(CONFIG).len() >= 2
    });
    sink.model_changed("other", &LabelSet::new(&["cat"]).unwrap());
    wait_until("the other model", || {
        let newest = subscriber.payloads(CONFIG).pop().unwrap();
        let newest: Value = serde_json::from_str(&newest).unwrap();
        let gone = &newest["cmps"]["label_dog"];
        newest["dev"]["mdl"] == "other" && *gone == serde_json::json!({ "p": "binary_sensor" })
    });
}

#[test]
fn an_entity_of_another_run_is_dropped_when_its_label_is_no_longer_asked_for() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    let end = |sink: tympan::sinks::MqttSink| {
        sink.begin_close(&[]);
        wait_until("the end", || sink.ends_by(Instant::now()));
    };
    end(open(announcing(broker.port)));
    let subscriber = Subscriber::new(broker.port, CONFIG);
    wait_until("the announcement", || !subscriber.messages().is_empty());
    let sink = open(MqttSpec { label_states: Vec::new(), ..announcing(broker.port) });
    wait_until("the last announcement", || {
        let newest: Value =
            serde_json::from_str(&subscriber.payloads(CONFIG).pop().unwrap()).unwrap();
        newest["cmps"]["label_dog"] == serde_json::json!({ "p": "binary_sensor" })
    });
    end(sink);
}

#[test]
#[ignore = "takes a while: make test-all"]
fn the_level_of_a_source_comes_every_ten_seconds() {
    let Some(broker) = Mosquitto::start(Memory::None) else { return };
    let subscriber = Subscriber::new(broker.port, "tympan/test/#");
    wait_until("the subscription", || subscriber.is_subscribed());
    let sink = open(spec(broker.port));
    wait_until("a level", || {
        publish(&sink, window(1));
        subscriber.payloads("tympan/test/mic/level").contains(&"-20.0".to_owned())
    });
    let level = subscriber.messages().into_iter().find(|it| it.topic.ends_with("/level")).unwrap();
    assert_eq!((level.qos, level.retain), (rumqttc::QoS::AtMostOnce, false));
}
