//! The daemon as a service: what it reports to systemd, and its Unix socket.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use super::{Running, configuration, of_type, parsed, tympan};

/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn systemd_is_notified_when_it_is_ready_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut daemon = Running::start({
        let mut command = tympan();
        command.args(["run", "--source", "demo", "--format", "jsonl"]).env("NOTIFY_SOCKET", &path);
        command
    });
    let until = |wanted: &str| {
        let mut seen = String::new();
        while !seen.contains(wanted) {
            let mut message = [0; 4096];
            let length = socket.recv(&mut message).expect(wanted);
            seen += std::str::from_utf8(&message[..length]).unwrap();
            seen.push('\n');
        }
        seen
    };
    let ready = until("READY=1");
    assert!(ready.contains("STATUS=listening"), "{ready}");
    daemon.until(|record| record["state"] == "listening");
    let (_, code) = daemon.end_by("TERM");
    assert_eq!(code, Some(0));
    until("STOPPING=1");
}

#[test]
fn a_service_that_cannot_start_never_says_ready() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let output = tympan()
        .args(["run", "--source", "file:/nowhere.wav"])
        .env("NOTIFY_SOCKET", &path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    socket.set_nonblocking(true).unwrap();
    let mut message = [0; 4096];
    while let Ok(length) = socket.recv(&mut message) {
        let text = std::str::from_utf8(&message[..length]).unwrap();
        assert!(!text.contains("READY"), "{text}");
    }
}

#[test]
fn the_unix_socket_serves_records_to_those_who_may_and_goes_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.sock");
    let config = configuration(
        folder.path(),
        "[output.stdout]\nenabled = false\n[output.unix]\nenabled = true\npath = \"tympan.sock\"\nmode = \"0600\"\n",
    );
    let mut command = tympan();
    command.args(["run", "--config", &config, "--source", "demo"]);
    let daemon = Running::start(command);
    let begun = std::time::Instant::now();
    let client = loop {
        match UnixStream::connect(&path) {
            Ok(client) => break client,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = BufReader::new(client);
    let mut text = String::new();
    while !text.contains("\"type\":\"window\"") {
        assert!(lines.read_line(&mut text).unwrap() > 0, "no window came: {text}");
    }
    let (printed, code) = daemon.end_by("TERM");
    assert_eq!(code, Some(0));
    assert!(printed.is_empty(), "standard output is off: {printed:?}");
    lines.read_to_string(&mut text).unwrap();
    let records = parsed(&text);
    assert_eq!(of_type(&records, "status").last().unwrap()["state"], "stopping");
    assert!(!path.exists(), "the socket file stayed behind");
}

#[test]
fn the_journal_gets_events_and_statuses_and_not_a_million_windows_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let wav = super::demo_wav(folder.path(), 10);
    let source = format!("file:{}", wav.display());
    let (mut reader, writer) = std::io::pipe().unwrap();
    let found = std::fs::metadata(format!("/proc/self/fd/{}", writer.as_raw_fd())).unwrap();
    let journal = format!("{}:{}", found.dev(), found.ino());
    let mut daemon = tympan()
        .args(["run", "--fast", "--source", &source])
        .env("JOURNAL_STREAM", journal)
        .stdout(writer)
        .spawn()
        .unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(daemon.wait().unwrap().success());
    let records = parsed(&text);
    assert_eq!(of_type(&records, "window").len(), 0);
    assert!(
        of_type(&records, "status").len() >= 2 && !of_type(&records, "event").is_empty(),
        "{text}"
    );
}
