//! The configuration for an OpenTelemetry Collector, held by a real one: what leaves it is what the log file has.
//!
//! CI has no Collector, so that a machine without one is no failure there either.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::prometheus::has_tools;
use super::{configuration, demo_wav, parsed, tympan};

const PATIENCE: Duration = Duration::from_secs(60);

/// Info and Warn in OpenTelemetry's model of logs.
const INFO: i64 = 9;
const WARN: i64 = 13;

/// The Collector that `TYMPAN_TEST_COLLECTOR` names, or that there is, and the names of its components.
fn collector() -> Option<(PathBuf, String)> {
    let named = std::env::var_os("TYMPAN_TEST_COLLECTOR").map(PathBuf::from);
    let usual = ["otelcol-contrib", "otelcol"].map(PathBuf::from);
    let found = named.into_iter().chain(usual).find_map(|program| {
        let output = Command::new(&program).arg("components").output().ok()?;
        Some((program, String::from_utf8(output.stdout).ok()?))
    });
    if found.is_none() {
        eprintln!("skipped: there is no OpenTelemetry Collector (TYMPAN_TEST_COLLECTOR names one)");
    }
    found
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/opentelemetry").join(name)
}

fn has(components: &str, names: &[&str]) -> bool {
    let has_all = names.iter().all(|name| components.contains(&format!("name: {name}\n")));
    if !has_all {
        eprintln!("skipped: this Collector lacks one of the components {names:?}");
    }
    has_all
}

#[test]
fn a_collector_takes_the_configurations() {
    let Some((program, components)) = collector() else { return };
    for (name, receiver) in [("logs.yaml", "filelog"), ("metrics.yaml", "prometheus")] {
        if !has(&components, &[receiver, "otlphttp"]) {
            continue;
        }
        let checked =
            Command::new(&program).arg("validate").arg("--config").arg(shipped(name)).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// The Collector's receiver takes Prometheus' own configuration.
#[test]
fn the_receiver_of_metrics_has_a_configuration_that_prometheus_takes() {
    if !has_tools() {
        return;
    }
    let text = std::fs::read_to_string(shipped("metrics.yaml")).unwrap();
    let (_, config) = text.split_once("    config:\n").unwrap();
    let (config, _) = config.split_once("\n\n").unwrap();
    let config: String = config.lines().map(|line| format!("{}\n", &line[6..])).collect();
    assert!(config.starts_with("scrape_configs:\n"), "{config}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, config).unwrap();
    let checked = Command::new("promtool").args(["check", "config"]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_collector_passes_on_each_record_of_the_log_file() {
    let Some((program, components)) = collector() else { return };
    if !has(&components, &["filelog", "otlphttp"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = log_with_every_type(folder.path());
    let lines = std::fs::read_to_string(&log).unwrap();
    let expected: BTreeMap<String, Value> =
        lines.lines().map(|line| (line.to_owned(), expected_of(line))).collect();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || answer_posts(stream, &sender));
        }
    });
    let mut running = Command::new(program)
        .arg("--config")
        .arg(shipped("logs.yaml"))
        .args(["--set", "exporters.otlphttp.encoding=json"])
        .args(["--set", "exporters.otlphttp.compression=none"])
        .env("TYMPAN_LOG", &log)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut count, mut requests) = (0, Vec::new());
    while count < expected.len() {
        let Ok(request) = bodies.recv_timeout(PATIENCE) else { break };
        count += request.matches("\"timeUnixNano\"").count();
        requests.push(request);
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let requests = requests.iter().map(|request| serde_json::from_str(request).unwrap());
    let received: Vec<(String, Value)> = requests.flat_map(|it| records_of(&it)).collect();
    let each_once: BTreeMap<String, Value> = received.iter().cloned().collect();
    for (line, record) in &expected {
        assert_eq!(each_once.get(line), Some(record), "{line}");
    }
    assert_eq!(received.len(), expected.len());
}

/// A log file of the demo with its windows, and a line of each type that the demo has not.
fn log_with_every_type(folder: &Path) -> PathBuf {
    demo_wav(folder, 12);
    let text = "[source]\nkind = \"file\"\n[source.file]\npath = \"demo.wav\"\npace = \"fast\"\n[output.stdout]\n\
                enabled = false\n[output.log_file]\nenabled = true\nwindows = true\n";
    let config = configuration(folder, text);
    assert!(tympan().args(["run", "--config", &config]).status().unwrap().success());
    let log = folder.join("tympan.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    let gap = json!({"type": "gap", "time": "2026-01-01T12:00:02.000Z", "source": "mic", "start_sample": 192_000,
                     "samples": 4_800, "cause": "overrun"});
    let lost = json!({"type": "status", "time": "2026-01-01T12:00:03.000Z", "source": "mic", "state": "lost",
                      "detail": "the device is gone", "sample_rate_hz": 48_000});
    writeln!(file, "{gap}\n{lost}").unwrap();
    let records = parsed(&std::fs::read_to_string(&log).unwrap());
    for phase in ["onset", "offset"] {
        assert!(records.iter().any(|record| record["phase"] == phase), "{records:?}");
    }
    log
}

/// What a line of the log is to become, as docs/OPENTELEMETRY.md says.
fn expected_of(line: &str) -> Value {
    let record: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
    let text = |name: &str| record.get(name).map(|value| value.as_str().unwrap());
    let kind = text("type").unwrap();
    let phase = text("phase").map(|phase| format!(".{phase}")).unwrap_or_default();
    let is_fault = text("state").is_some_and(|state| !["listening", "stopping"].contains(&state));
    let severity = if kind == "gap" || is_fault { WARN } else { INFO };
    let time: Timestamp = text("time").unwrap().parse().unwrap();
    let mut attributes =
        json!({"event.name": format!("tympan.{kind}{phase}"), "log.file.name": "tympan.jsonl"});
    for (name, value) in &record {
        if !["type", "time", "phase"].contains(&&**name) {
            attributes[format!("tympan.{name}")] = value.clone();
        }
    }
    json!({
        "time": time.as_nanosecond().to_string(),
        "severity": severity,
        "resource": {"service.name": "tympan", "service.instance.id": "127.0.0.1:7328"},
        "attributes": attributes,
    })
}

/// The records of one OTLP request by their bodies, as [`expected_of`] has them.
fn records_of(request: &Value) -> Vec<(String, Value)> {
    let list = |value: &Value, name: &str| value[name].as_array().unwrap().clone();
    let mut records = Vec::new();
    for of_resource in list(request, "resourceLogs") {
        let resource = map_of(&of_resource["resource"]["attributes"]);
        for scope in list(&of_resource, "scopeLogs") {
            for record in list(&scope, "logRecords") {
                assert_ne!(record["observedTimeUnixNano"], Value::Null, "{record}");
                let body = record["body"]["stringValue"].as_str().unwrap().to_owned();
                let value = json!({
                    "time": record["timeUnixNano"],
                    "severity": record["severityNumber"],
                    "resource": resource,
                    "attributes": map_of(&record["attributes"]),
                });
                records.push((body, value));
            }
        }
    }
    records
}

/// A list of keys and values of OTLP as an object.
fn map_of(attributes: &Value) -> Value {
    let attributes = attributes.as_array().unwrap().iter();
    let pair = |it: &Value| (it["key"].as_str().unwrap().to_owned(), value_of(&it["value"]));
    Value::Object(attributes.map(pair).collect())
}

fn value_of(value: &Value) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match &**kind {
        // JSON of protobuf has whole numbers in quotes
        "intValue" => value.as_str().unwrap().parse::<i64>().unwrap().into(),
        "doubleValue" => value.as_f64().into(),
        "arrayValue" => value["values"].as_array().unwrap().iter().map(value_of).collect(),
        "kvlistValue" => map_of(&value["values"]),
        _ => value.clone(),
    }
}

/// Answers every request of a connection, and hands on what it carried.
fn answer_posts(stream: TcpStream, sender: &Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        // whoever asked may be gone
        let _gone = writer.write_all(answer);
        let _test_is_over = sender.send(String::from_utf8(body).unwrap());
    }
}
