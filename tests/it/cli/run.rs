//! `tympan run`: what comes out of it, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;
use tympan::domain::SampleIndex;
use tympan::sources::{Passage, Soundscape};

use super::{ReservedPort, Running, configuration, demo_wav, of_type, parsed, tympan};

#[test]
fn the_demo_is_classified_by_name_and_its_pauses_are_silent() {
    let demo = Soundscape::new(1);
    let mut daemon = Running::start({
        let mut command = tympan();
        // without --seconds it ends after one round
        command.args([
            "run",
            "--source",
            "demo",
            "--fast",
            "--seconds",
            "600",
            "--format",
            "jsonl",
        ]);
        command
    });
    let rounds = 2 * demo.round_samples();
    let records = daemon.until(|record| record["end_sample"].as_u64() > Some(rounds));
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    let onsets: Vec<(u64, String)> = of_type(&records, "event")
        .iter()
        .filter(|event| event["phase"] == "onset")
        .map(|event| {
            (event["start_sample"].as_u64().unwrap(), event["label"].as_str().unwrap().to_owned())
        })
        .collect();
    for round in 0..2 {
        // steady noise is what the model was taught to call `other`, and the demo's rain is little more
        for passage in demo.timetable().iter().filter(|passage| passage.label != "rain") {
            let (start, end) = span(passage, round * demo.round_samples());
            assert!(
                onsets
                    .iter()
                    .any(|(at, label)| (start..end).contains(at) && label == passage.label),
                "{} of round {round} was not detected in {start}..{end}: {onsets:?}",
                passage.label
            );
        }
    }
    for (at, label) in &onsets {
        let is_detected = (0..2).any(|round| {
            demo.timetable().iter().any(|passage| {
                let (start, end) = span(passage, round * demo.round_samples());
                (start..end).contains(at) && passage.label == label
            })
        });
        assert!(is_detected, "{label} was detected at {at}, where it did not sound: {onsets:?}");
    }
}

fn span(passage: &Passage, offset: u64) -> (u64, u64) {
    let at = |index: SampleIndex| index.0 + offset;
    (at(passage.start), at(passage.end))
}

#[test]
fn a_reader_that_has_enough_ends_the_daemon_with_exit_code_0() {
    let program = env!("CARGO_BIN_EXE_tympan");
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {program} run --source demo | head -n 3")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert_eq!(parsed(&String::from_utf8(output.stdout).unwrap()).len(), 3);
}

#[test]
fn sigterm_and_sigint_end_the_open_event_and_exit_with_0() {
    for signal in ["TERM", "INT"] {
        let mut daemon = Running::start({
            let mut command = tympan();
            command.args(["run", "--source", "demo", "--format", "jsonl"]);
            command
        });
        daemon.until(|record| record["phase"] == "onset");
        let (rest, code) = daemon.end_by(signal);
        assert_eq!(code, Some(0));
        let offsets: Vec<&Value> =
            rest.iter().filter(|record| record["phase"] == "offset").collect();
        assert_eq!(offsets.len(), 1, "{rest:?}");
        assert_eq!(rest.last().unwrap()["state"], "stopping");
    }
}

#[test]
fn two_tcp_clients_and_the_log_file_hold_the_events_of_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 9);
    let port = ReservedPort::new();
    let address = format!("127.0.0.1:{}", port.number);
    let config = configuration(
        folder.path(),
        &format!(
            "[output.log_file]\nenabled = true\npath = \"events.jsonl\"\n\
             [output.tcp]\nenabled = true\naddress = \"{address}\"\n"
        ),
    );
    let mut daemon = Running::start({
        let mut command = tympan();
        let source = "stdin:s16le:48000:1";
        command.args(["run", "--config", &config, "--source", source, "--format", "jsonl"]);
        command.stdin(Stdio::piped());
        command
    });
    daemon.until(|record| record["state"] == "listening");
    let clients = [(); 2].map(|()| {
        let mut client = BufReader::new(TcpStream::connect(&address).unwrap());
        for expected in ["\"hello\"", "\"listening\""] {
            let mut line = String::new();
            client.read_line(&mut line).unwrap();
            assert!(line.contains(expected), "{line}");
        }
        client
    });
    // both have joined, and only now is there anything to receive
    let mut input = daemon.child.stdin.take().unwrap();
    let samples = hound::WavReader::open(&wav).unwrap().into_samples::<i16>();
    let bytes: Vec<u8> = samples.flat_map(|sample| sample.unwrap().to_le_bytes()).collect();
    let feeding = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let records = daemon.until(|record| record["state"] == "stopping");
    feeding.join().unwrap();
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    let events = of_type(&records, "event");
    assert!(events.len() >= 2, "{events:?}");
    for mut client in clients {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(of_type(&parsed(&text), "event"), events);
    }
    let log = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    assert_eq!(of_type(&parsed(&log), "event"), events);
    assert!(of_type(&parsed(&log), "window").is_empty(), "windows go to the log only if asked for");
}

#[test]
fn text_is_for_people_and_says_no_windows_unless_asked() {
    for (windows, expected) in [(false, false), (true, true)] {
        let mut command = tympan();
        command.args(["run", "--source", "demo", "--fast", "--format", "text"]);
        if windows {
            command.arg("--windows");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<String> = lines.take(5).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(lines[0].contains("listening"), "{lines:?}");
        let meters = lines.iter().filter(|line| line.contains(" dB ")).count();
        assert_eq!(meters > 0, expected, "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "colour in a pipe: {lines:?}");
    }
}

#[test]
fn window_records_carry_level_latency_and_the_best_labels() {
    let mut daemon = Running::start({
        let mut command = tympan();
        command.args(["run", "--source", "demo", "--format", "jsonl"]);
        command
    });
    let records = daemon.until(|record| record["type"] == "window");
    let (_, code) = daemon.end_by("TERM");
    assert_eq!(code, Some(0));
    let window = records.last().unwrap();
    assert_eq!(window["source"], "demo");
    assert_eq!(window["start_sample"], 0);
    // 186 hops of 160 samples and one transform of 512 at 16 kHz, at the demo's own 48 kHz
    assert_eq!(window["end_sample"], (186 * 160 + 512) * 3);
    assert_eq!(window["scores"].as_array().unwrap().len(), 5);
    assert!(window["level_dbfs"].as_f64().unwrap() < -50.0, "the demo begins with a pause");
    let latency = window["latency_us"].as_u64().unwrap();
    assert!(latency > 0 && latency < 60_000_000, "{latency}");
    assert!(window["time"].as_str().unwrap().ends_with('Z'));
    assert!(window.get("padded_samples").is_none());
}
