//! What Home Assistant is told, so that each source appears as a device with its entities. Sent by the client; pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::message::Message;
use super::topics::Topics;

/// Components of labels begin so; no other does.
const OF_LABEL: &str = "label_";
/// The platform of a label's component.
const LABEL_PLATFORM: &str = "binary_sensor";

/// Home Assistant shows a level as unknown when none has come for so long: six messages.
const LEVEL_EXPIRES_S: u32 = 60;

/// What is announced.
#[derive(Debug)]
pub(super) struct Discovery {
    prefix: String,
    sources: Vec<String>,
    model: String,
    /// Labels that may become events.
    labels: Vec<Arc<str>>,
    /// Components that were announced before, by this run or another, and are no more.
    dropped: BTreeSet<String>,
}

impl Discovery {
    pub(super) fn new(
        prefix: String,
        sources: Vec<String>,
        model: String,
        labels: Vec<Arc<str>>,
    ) -> Self {
        Self { prefix, sources, model, labels, dropped: BTreeSet::new() }
    }

    /// Where Home Assistant says that it has started.
    pub(super) fn birth_topic(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// Where each source is announced.
    pub(super) fn config_topics(&self, topics: &Topics) -> Vec<String> {
        self.sources.iter().map(|source| self.config_topic(topics, source)).collect()
    }

    /// One message a source; `watched`: labels with an entity of their own.
    pub(super) fn messages(&self, topics: &Topics, watched: &[Arc<str>]) -> Vec<Message> {
        let message = |source: &String| {
            let payload = self.payload(topics, watched, source).to_string();
            Message::newest(self.config_topic(topics, source), payload)
        };
        self.sources.iter().map(message).collect()
    }

    /// Another model is in use, with `topics` and `watched` in place of those `before`.
    pub(super) fn replace_model(
        &mut self,
        model: &str,
        labels: Vec<Arc<str>>,
        before: (&Topics, &[Arc<str>]),
        now: (&Topics, &[Arc<str>]),
    ) {
        (self.model, self.labels) = (model.to_owned(), labels);
        self.dropped.extend(label_components(before.0, before.1));
        for component in label_components(now.0, now.1) {
            self.dropped.remove(&component);
        }
    }

    /// Takes what a broker retains of this daemon; whether it has components that are no more.
    pub(super) fn found_retained(
        &mut self,
        payload: &[u8],
        topics: &Topics,
        watched: &[Arc<str>],
    ) -> bool {
        let Ok(Value::Object(payload)) = serde_json::from_slice(payload) else { return false };
        let Some(Value::Object(components)) = payload.get("cmps") else { return false };
        let is_entity = |component: &Value| component.get("uniq_id").is_some();
        let announced = components.iter().filter(|(_, component)| is_entity(component));
        let announced = announced.map(|(id, _)| id).filter(|id| id.starts_with(OF_LABEL));
        let known: BTreeSet<String> = label_components(topics, watched).collect();
        let gone: BTreeSet<String> = announced.filter(|id| !known.contains(*id)).cloned().collect();
        self.dropped.extend(gone.iter().cloned());
        !gone.is_empty()
    }

    fn config_topic(&self, topics: &Topics, source: &str) -> String {
        format!("{}/device/{}/config", self.prefix, topics.device_id(source))
    }

    fn payload(&self, topics: &Topics, watched: &[Arc<str>], source: &str) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        let mut components = Map::new();
        let device = Device { topics, id: topics.device_id(source), source };
        components.insert("sound".to_owned(), device.sound(&self.labels));
        components.insert("last".to_owned(), device.last());
        components.insert("level".to_owned(), device.level());
        components.insert("problem".to_owned(), device.problem());
        for label in watched {
            components.insert(label_component(topics, label), device.label(label));
        }
        for component in &self.dropped {
            components.insert(component.clone(), json!({ "p": LABEL_PLATFORM }));
        }
        json!({
            "dev": {
                "ids": [device.id],
                "name": topics.device_name(source),
                "mf": "tympan",
                "mdl": self.model,
                "sw": version,
            },
            "o": { "name": "tympan", "sw": version },
            "avty": [{ "t": topics.status() }],
            "cmps": components,
        })
    }
}

/// A label as a person would write it, as in `Church bells`.
fn entity_name(label: &str) -> String {
    let words = label.replace('_', " ");
    let mut characters = words.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

fn label_component(topics: &Topics, label: &str) -> String {
    format!("{OF_LABEL}{}", topics.label_segment(label))
}

fn label_components(topics: &Topics, watched: &[Arc<str>]) -> impl Iterator<Item = String> {
    watched.iter().map(|label| label_component(topics, label))
}

/// One source. A component inherits no quality of service from its device, so that each names its own.
struct Device<'a> {
    topics: &'a Topics,
    id: String,
    source: &'a str,
}

impl Device<'_> {
    /// Every onset, with its label as the type of event. Two equal ones trigger twice, as no state could.
    fn sound(&self, labels: &[Arc<str>]) -> Value {
        let mut component = self.component("event", "sound", "Sound");
        component["stat_t"] = self.topics.event(self.source).into();
        component["evt_typ"] = labels.iter().map(|label| &**label).collect();
        component["ic"] = "mdi:ear-hearing".into();
        component
    }

    fn last(&self) -> Value {
        let mut component = self.component("sensor", "last", "Last sound");
        component["stat_t"] = self.topics.last(self.source).into();
        component["val_tpl"] = "{{ value_json.label }}".into();
        component["json_attr_t"] = self.topics.last(self.source).into();
        component["ic"] = "mdi:waveform".into();
        component
    }

    /// Without a device class: that of sound pressure wants a calibrated microphone and dB, and these are dB of full scale.
    fn level(&self) -> Value {
        let mut component = self.component("sensor", "level", "Level");
        component["qos"] = 0.into();
        component["stat_t"] = self.topics.level(self.source).into();
        component["unit_of_meas"] = "dBFS".into();
        component["stat_cla"] = "measurement".into();
        component["ent_cat"] = "diagnostic".into();
        component["exp_aft"] = LEVEL_EXPIRES_S.into();
        component
    }

    fn problem(&self) -> Value {
        let mut component = self.component("binary_sensor", "problem", "Listening problem");
        component["dev_cla"] = "problem".into();
        component["ent_cat"] = "diagnostic".into();
        component["stat_t"] = self.topics.state(self.source).into();
        // of a stop the availability tells
        component["val_tpl"] =
            "{{ 'OFF' if value_json.state in ['listening', 'quiet', 'stopping'] else 'ON' }}"
                .into();
        component["json_attr_t"] = self.topics.state(self.source).into();
        component
    }

    fn label(&self, label: &str) -> Value {
        let id = label_component(self.topics, label);
        let mut component = self.component(LABEL_PLATFORM, &id, &entity_name(label));
        component["dev_cla"] = "sound".into();
        component["stat_t"] = self.topics.label(self.source, label).into();
        component["json_attr_t"] = self.topics.label_attributes(self.source, label).into();
        component
    }

    fn component(&self, platform: &str, id: &str, name: &str) -> Value {
        let unique = format!("{}_{id}", self.id);
        let entity = format!("{}_{}", self.id, id.strip_prefix(OF_LABEL).unwrap_or(id));
        let entity = entity.to_lowercase().replace(['-', '.'], "_");
        json!({
            "p": platform,
            "name": name,
            "uniq_id": unique,
            "def_ent_id": format!("{platform}.{entity}"),
            "qos": 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn payload(discovery: &Discovery, topics: &Topics, watched: &[Arc<str>]) -> Value {
        serde_json::from_str(&discovery.messages(topics, watched)[0].payload).unwrap()
    }

    fn announced(model: &str, all: &[&str]) -> Discovery {
        let (prefix, sources) = ("homeassistant".to_owned(), vec!["mic".to_owned()]);
        Discovery::new(prefix, sources, model.to_owned(), labels(all))
    }

    #[test]
    fn an_announcement_follows_the_rules_of_home_assistant() {
        let topics = Topics::new("tympan/desk", &["mic"], &["dog", "church bells"]);
        let bells = labels(&["church bells"]);
        let discovery = announced("esc50", &["dog", "church bells"]);
        let message = &discovery.messages(&topics, &bells)[0];
        assert_eq!(message.topic, "homeassistant/device/tympan_desk_mic/config");
        let payload = payload(&discovery, &topics, &bells);
        assert_eq!(payload["dev"]["ids"], json!(["tympan_desk_mic"]));
        assert_eq!(payload["avty"], json!([{ "t": "tympan/desk/status" }]));
        assert_eq!(payload["o"]["name"], "tympan");
        // the rest of the root is inherited by no component
        assert_eq!(payload.as_object().unwrap().len(), 4);
        let components = payload["cmps"].as_object().unwrap();
        let ids: Vec<&str> = components.keys().map(|id| &**id).collect();
        assert_eq!(ids, ["label_church_bells", "last", "level", "problem", "sound"]);
        for (id, component) in components {
            assert_eq!(component["uniq_id"], format!("tympan_desk_mic_{id}"));
            let platform = component["p"].as_str().unwrap();
            let name = id.strip_prefix("label_").unwrap_or(id);
            let entity = format!("{platform}.tympan_desk_mic_{name}");
            assert_eq!(component["def_ent_id"], entity);
            assert_eq!(component.get("object_id").or(component.get("obj_id")), None, "{id}");
            assert_eq!(component["qos"], if id == "level" { 0 } else { 1 }, "{id}");
            let topic = component["stat_t"].as_str().unwrap();
            assert!(topic.starts_with("tympan/desk/mic/"), "{topic}");
        }
        assert_eq!(components["sound"]["evt_typ"], json!(["dog", "church bells"]));
        assert_eq!(components["sound"].get("dev_cla"), None);
        let level = &components["level"];
        assert_eq!((&level["unit_of_meas"], level.get("dev_cla")), (&json!("dBFS"), None));
        let bells = &components["label_church_bells"];
        assert_eq!((&bells["dev_cla"], &bells["name"]), (&json!("sound"), &json!("Church bells")));
        assert_eq!(components["problem"]["dev_cla"], "problem");
    }

    #[test]
    fn a_label_that_is_gone_after_a_reload_leaves_its_id_with_nothing_but_its_platform() {
        let (dog, cat) = (labels(&["dog"]), labels(&["cat"]));
        let topics = Topics::new("tympan/desk", &["mic"], &["dog", "cat"]);
        let mut discovery = announced("first", &["dog", "cat"]);
        discovery.replace_model("second", cat.clone(), (&topics, &dog), (&topics, &cat));
        let components = payload(&discovery, &topics, &cat)["cmps"].clone();
        assert_eq!(components["label_dog"], json!({ "p": "binary_sensor" }));
        assert_eq!(components["label_cat"]["name"], "Cat");
        assert_eq!(components["sound"]["evt_typ"], json!(["cat"]));
        discovery.replace_model("first", dog.clone(), (&topics, &cat), (&topics, &dog));
        let components = payload(&discovery, &topics, &dog)["cmps"].clone();
        assert_eq!(components["label_dog"]["name"], "Dog", "and it comes back");
    }

    #[test]
    fn a_label_of_another_run_that_the_broker_retains_is_dropped() {
        let topics = Topics::new("tympan/desk", &["mic"], &["dog", "cat"]);
        let before = announced("m", &["dog", "cat"]);
        let retained = before.messages(&topics, &labels(&["dog", "cat"]))[0].payload.clone();
        let mut discovery = announced("m", &["dog", "cat"]);
        let dog = labels(&["dog"]);
        assert!(discovery.found_retained(retained.as_bytes(), &topics, &dog));
        let now = payload(&discovery, &topics, &dog);
        assert_eq!(now["cmps"]["label_cat"], json!({ "p": "binary_sensor" }));
        assert!(!discovery.found_retained(now.to_string().as_bytes(), &topics, &dog));
        for broken in [&b"\xff"[..], b"[]", b"{\"cmps\":3}", b""] {
            assert!(!discovery.found_retained(broken, &topics, &dog));
        }
    }
}
