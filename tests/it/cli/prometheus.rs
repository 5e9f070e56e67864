//! `/metrics` and the alerts, held by Prometheus' own tools.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{ReservedPort, Running, configuration, demo_wav, says, tympan};
use crate::support::skipping::skipped;

const PATIENCE: Duration = Duration::from_secs(60);

/// Whether Prometheus and its promtool are there; a test is skipped where they are not.
pub fn has_tools() -> bool {
    let has = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success())
    };
    let has_both = has("promtool") && has("prometheus");
    if !has_both {
        skipped("there is no promtool, or no prometheus");
    }
    has_both
}

/// A daemon with two inputs, and a page at the port.
fn daemon(folder: &Path, port: u16) -> Running {
    demo_wav(folder, 6);
    let text = format!(
        "[[input]]\nname = \"hall\"\nkind = \"demo\"\n[[input]]\nname = \"tape\"\nkind = \"file\"\n[input.file]\n\
         path = \"demo.wav\"\nrepeat = true\n[output.stdout]\nformat = \"jsonl\"\n[output.web]\nenabled = true\n\
         address = \"127.0.0.1:{port}\"\n"
    );
    let config = configuration(folder, &text);
    let mut command = tympan();
    command.args(["run", "--config", &config]);
    Running::start(command)
}

fn scrape(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    says(head, &["200 OK", "content-type: text/plain; version=0.0.4"]);
    text.to_owned()
}

/// The value of a series, by its name with labels as it is written.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{series} ")));
    let line = line.unwrap_or_else(|| panic!("no {series} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_scrape_has_each_input_and_promtool_finds_no_fault_with_it() {
    let (folder, port) = (tempfile::tempdir().unwrap(), ReservedPort::new());
    let mut daemon = daemon(folder.path(), port.number);
    let is_event = |record: &serde_json::Value, source: &str, phase: &str| {
        record["source"] == source && record["phase"] == phase
    };
    daemon.until(|record| is_event(record, "tape", "onset"));
    daemon.until(|record| is_event(record, "tape", "offset"));
    let text = scrape(port.number);
    for source in ["hall", "tape"] {
        let of = |name: &str| value(&text, &format!("{name}{{source=\"{source}\"}}"));
        assert!(of("tympan_windows_scored_total") >= 1.0, "{text}");
        assert!(of("tympan_captured_samples_total") >= 48_000.0, "{text}");
        let age =
            jiff::Timestamp::now().as_second() as f64 - of("tympan_last_audio_timestamp_seconds");
        assert!((-2.0..60.0).contains(&age), "{age}");
        let listening = format!("tympan_source_state{{source=\"{source}\",state=\"listening\"}}");
        assert!(value(&text, &listening) <= 1.0, "{text}");
        let gaps = format!("tympan_gaps_total{{source=\"{source}\",cause=\"device_lost\"}}");
        assert_eq!(value(&text, &gaps), 0.0);
        let latency = |stage: &str| {
            let series = format!(
                "tympan_window_latency_seconds_count{{source=\"{source}\",stage=\"{stage}\"}}"
            );
            value(&text, &series)
        };
        for stage in ["front_end", "hand_over", "network", "recognition"] {
            assert!(latency(stage) >= 1.0 && latency(stage) == latency("all"), "{text}");
        }
    }
    let siren = |name: &str| value(&text, &format!("{name}{{source=\"tape\",label=\"siren\"}}"));
    assert!(siren("tympan_events_total") >= 1.0, "{text}");
    // also what has never sounded has a series; what is no event has none
    assert_eq!(value(&text, "tympan_events_total{source=\"hall\",label=\"airplane\"}"), 0.0);
    assert!(!text.contains("label=\"speech\""), "{text}");
    assert_eq!(value(&text, "tympan_sink_up{sink=\"stdout\"}"), 1.0);
    assert_eq!(value(&text, "tympan_reloads_total{result=\"failed\"}"), 0.0);
    assert!(text.contains("tympan_build_info{version=\""), "{text}");
    if !has_tools() {
        return;
    }
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    let printed =
        String::from_utf8_lossy(&checked.stderr) + String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && printed.trim().is_empty(), "{printed}\n{text}");
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    if !has_tools() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus");
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let checked =
            Command::new("promtool").args(arguments).current_dir(&folder).output().unwrap();
        let printed =
            String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{printed}");
    }
}

#[test]
fn a_prometheus_server_scrapes_the_daemon_and_answers_about_its_inputs() {
    if !has_tools() {
        return;
    }
    let (folder, port, own) =
        (tempfile::tempdir().unwrap(), ReservedPort::new(), ReservedPort::new());
    let mut daemon = daemon(folder.path(), port.number);
    daemon.until(|record| record["type"] == "window" && record["source"] == "tape");
    let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus/alerts.yml");
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{ scrape_interval: 500ms, evaluation_interval: 1s }}\nrule_files: [{alerts:?}]\nscrape_configs:\n  \
         - job_name: tympan\n    static_configs: [{{ targets: [\"127.0.0.1:{}\"] }}]\n",
        port.number
    );
    std::fs::write(&config, text).unwrap();
    let mut server = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{}", own.number))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{}", own.number);
    let query = |query: &str| {
        let asked = Command::new("promtool").args(["query", "instant", &url, query]).output();
        String::from_utf8(asked.unwrap().stdout).unwrap()
    };
    let began = Instant::now();
    let answer = loop {
        let answer = query("sum by (source) (tympan_windows_scored_total) > 3");
        if answer.lines().count() == 2 || began.elapsed() > PATIENCE {
            break answer;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let fires = query("count(ALERTS{alertname=\"TympanDown\"}) or vector(0)");
    server.kill().unwrap();
    server.wait().unwrap();
    says(&answer, &["{source=\"hall\"} => ", "{source=\"tape\"} => "]);
    says(&fires, &["=> 0 @"]);
}
