//! How every source stands, and the messages that a record becomes. Fed with every record on the publisher's thread; pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::message::Message;
use super::topics::Topics;
use crate::domain::{EventPhase, EventRecord, Record, StatusRecord};
use crate::protocol::write_json_line;

const ON: &str = "ON";
const OFF: &str = "OFF";

/// What the broker is to retain of one daemon.
#[derive(Debug)]
pub(super) struct RetainedStates {
    /// Unlike that of any other run, so that id and phase of an event recognise a repeated message.
    run: String,
    topics: Topics,
    /// Labels that have a state of their own.
    watched: Vec<Arc<str>>,
    sources: BTreeMap<Arc<str>, SourceState>,
}

#[derive(Debug, Default)]
struct SourceState {
    state: Option<String>,
    last: Option<String>,
    labels: BTreeMap<Arc<str>, LabelState>,
}

#[derive(Debug, Default)]
struct LabelState {
    is_sounding: bool,
    attributes: Option<String>,
}

/// A record as it is sent: the run first.
#[derive(Serialize)]
struct Sent<'a> {
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(flatten)]
    record: &'a Record,
}

impl RetainedStates {
    /// Nothing sounds yet at these sources.
    pub(super) fn new(
        run: String,
        sources: &[String],
        topics: Topics,
        watched: Vec<Arc<str>>,
    ) -> Self {
        let sources = sources.iter().map(|source| (Arc::from(&**source), SourceState::default()));
        Self { run, topics, watched, sources: sources.collect() }
    }

    /// The topics in use.
    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The labels that have a state.
    pub(super) fn watched(&self) -> &[Arc<str>] {
        &self.watched
    }

    /// Another model has other labels.
    pub(super) fn replace_labels(&mut self, topics: Topics, watched: Vec<Arc<str>>) {
        (self.topics, self.watched) = (topics, watched);
    }

    /// What is to be sent of a record; nothing of a window.
    pub(super) fn apply(&mut self, record: &Record) -> Vec<Message> {
        match record {
            Record::Window(_) => Vec::new(),
            Record::Gap(gap) => vec![self.as_record(&gap.source, record)],
            Record::Status(status) => self.apply_status(status, record),
            Record::Event(event) => self.apply_event(event, record),
        }
    }

    fn apply_status(&mut self, status: &StatusRecord, record: &Record) -> Vec<Message> {
        let text = self.sent(record, None);
        let state = Message::newest(self.topics.state(&status.source), text.clone());
        self.source(&status.source).state = Some(text);
        vec![self.as_record(&status.source, record), state]
    }

    fn apply_event(&mut self, event: &EventRecord, record: &Record) -> Vec<Message> {
        let EventRecord { source, label, .. } = event;
        let is_onset = matches!(event.phase, EventPhase::Onset { .. });
        let mut messages = vec![self.as_record(source, record)];
        if is_onset {
            let text = self.sent(record, Some(label));
            messages.push(Message::every(self.topics.event(source), text));
        } else {
            let text = self.sent(record, None);
            messages.push(Message::newest(self.topics.last(source), text.clone()));
            self.source(source).last = Some(text);
        }
        if self.watched.contains(label) {
            let text = self.sent(record, None);
            let state = LabelState { is_sounding: is_onset, attributes: Some(text) };
            messages.extend(self.label_messages(source, label, &state));
            self.source(source).labels.insert(Arc::clone(label), state);
        }
        messages
    }

    /// Everything that the broker is to retain, for it may have forgotten it, or retain what another run left behind.
    pub(super) fn retained(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        let silent = LabelState::default();
        for (source, state) in &self.sources {
            let text = state.state.as_ref();
            messages.extend(text.map(|text| Message::newest(self.topics.state(source), &**text)));
            let last = state.last.as_ref();
            messages.extend(last.map(|text| Message::newest(self.topics.last(source), &**text)));
            for label in &self.watched {
                let state = state.labels.get(label).unwrap_or(&silent);
                messages.extend(self.label_messages(source, label, state));
            }
        }
        messages
    }

    /// The end of every label that sounds: nobody listens any more.
    pub(super) fn silence(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        for (source, state) in &mut self.sources {
            for (label, state) in state.labels.iter_mut().filter(|(_, state)| state.is_sounding) {
                state.is_sounding = false;
                messages.push(Message::newest(self.topics.label(source, label), OFF));
            }
        }
        messages
    }

    fn label_messages(&self, source: &str, label: &str, state: &LabelState) -> Vec<Message> {
        let word = if state.is_sounding { ON } else { OFF };
        let attributes = state
            .attributes
            .as_ref()
            .map(|text| Message::newest(self.topics.label_attributes(source, label), &**text));
        let state = Message::newest(self.topics.label(source, label), word);
        attributes.into_iter().chain([state]).collect()
    }

    fn source(&mut self, source: &Arc<str>) -> &mut SourceState {
        self.sources.entry(Arc::clone(source)).or_default()
    }

    fn as_record(&self, source: &str, record: &Record) -> Message {
        Message::every(self.topics.records(source), self.sent(record, None))
    }

    fn sent(&self, record: &Record, event_type: Option<&str>) -> String {
        let mut line = String::new();
        write_json_line(&Sent { run: &self.run, event_type, record }, &mut line);
        line.pop();
        line
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sinks::mqtt::message::Delivery;

    /// As another output would write them.
    fn record(line: &str) -> Record {
        serde_json::from_str(line).unwrap()
    }

    fn onset(label: &str) -> Record {
        let label = Value::from(label);
        record(&format!(
            r#"{{"type":"event","phase":"onset","id":7,"label":{label},"time":"2026-01-01T12:00:00Z","source":"mic","start_sample":48000,"score":0.75}}"#
        ))
    }

    fn offset(label: &str) -> Record {
        let label = Value::from(label);
        record(&format!(
            r#"{{"type":"event","phase":"offset","id":7,"label":{label},"time":"2026-01-01T12:00:01Z","source":"mic","start_sample":48000,"end_sample":96000,"peak_score":0.875}}"#
        ))
    }

    fn states() -> RetainedStates {
        let labels = ["dog", "church bells", "a/b"];
        let topics = Topics::new("tympan/desk", &["mic", "garden"], &labels);
        let watched = vec![Arc::from("church bells"), Arc::from("a/b")];
        RetainedStates::new(
            "r1".to_owned(),
            &["mic".to_owned(), "garden".to_owned()],
            topics,
            watched,
        )
    }

    /// Topics below the daemon's own, and whether the broker retains them.
    fn topics(messages: &[Message]) -> Vec<(&str, bool)> {
        let below = |message: &'_ Message| message.delivery == Delivery::Newest;
        messages
            .iter()
            .map(|it| (it.topic.strip_prefix("tympan/desk/").unwrap(), below(it)))
            .collect()
    }

    #[test]
    fn each_record_goes_to_its_topics() {
        let mut states = states();
        let table: [(Record, &[(&str, bool)]); 6] = [
            (onset("dog"), &[("mic/records", false), ("mic/event", false)]),
            (offset("dog"), &[("mic/records", false), ("mic/last", true)]),
            (
                onset("church bells"),
                &[
                    ("mic/records", false),
                    ("mic/event", false),
                    ("mic/label/church_bells/attributes", true),
                    ("mic/label/church_bells", true),
                ],
            ),
            (
                offset("church bells"),
                &[
                    ("mic/records", false),
                    ("mic/last", true),
                    ("mic/label/church_bells/attributes", true),
                    ("mic/label/church_bells", true),
                ],
            ),
            (
                record(
                    r#"{"type":"gap","time":"2026-01-01T12:00:00Z","source":"garden","start_sample":1,"samples":2,"cause":"overrun"}"#,
                ),
                &[("garden/records", false)],
            ),
            (
                record(
                    r#"{"type":"status","time":"2026-01-01T12:00:00Z","source":"garden","state":"lost","detail":"gone","sample_rate_hz":48000}"#,
                ),
                &[("garden/records", false), ("garden/state", true)],
            ),
        ];
        for (record, expected) in table {
            assert_eq!(topics(&states.apply(&record)), expected, "{record:?}");
        }
    }

    #[test]
    fn a_message_names_its_run_and_an_onset_its_type_for_home_assistant() {
        let messages = states().apply(&onset("a/b"));
        let parsed: Vec<Value> = messages[..2]
            .iter()
            .map(|message| serde_json::from_str(&message.payload).unwrap())
            .collect();
        assert!(
            messages[0].payload.starts_with("{\"run\":\"r1\",\"type\":\"event\""),
            "{messages:?}"
        );
        assert_eq!((&parsed[0]["id"], &parsed[0]["phase"]), (&7.into(), &"onset".into()));
        assert_eq!(parsed[0].get("event_type"), None);
        assert_eq!(parsed[1]["event_type"], "a/b");
    }

    #[test]
    fn a_new_connection_gets_off_for_every_label_that_does_not_sound_at_any_source() {
        let mut states = states();
        states.apply(&onset("church bells"));
        let retained = states.retained();
        let words: Vec<(&str, &str)> = retained
            .iter()
            .filter(|it| it.payload == ON || it.payload == OFF)
            .map(|it| (it.topic.strip_prefix("tympan/desk/").unwrap(), &*it.payload))
            .collect();
        let slash = Topics::new("", &["mic"], &["dog", "church bells", "a/b"]).label_segment("a/b");
        let [garden, mic] = ["garden", "mic"].map(|source| format!("{source}/label/{slash}"));
        let expected = [
            ("garden/label/church_bells", OFF),
            (&*garden, OFF),
            ("mic/label/church_bells", ON),
            (&*mic, OFF),
        ];
        assert_eq!(words, expected);
        assert_eq!(topics(&states.silence()), [("mic/label/church_bells", true)]);
        assert_eq!(states.silence(), []);
    }
}
