//! The output that runs a program: failures are told and pass, a late one is ended, and nobody waits for it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tympan::domain::Record;
use tympan::sinks::{CommandSink, CommandSinkSpec, Sink};

use super::{PATIENCE, event, status};

fn spec(script: &str) -> CommandSinkSpec {
    CommandSinkSpec {
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        labels: vec!["dog".to_owned()],
        max_per_minute: 100,
        timeout: Duration::from_secs(60),
    }
}

/// Waits until the file has so many lines.
fn lines(path: &Path, count: usize) -> String {
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count {
            return text;
        }
        assert!(began.elapsed() < PATIENCE, "{count} lines are not in {text:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn events_of_its_labels_are_passed_one_after_the_other_and_other_records_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("received");
    let mut sink = CommandSink::open(spec(&format!("cat >> {}", path.display()))).unwrap();
    let mut cat = event(7);
    if let Record::Event(event) = &mut cat {
        event.label = "cat".into();
    }
    for record in [event(1), status("ready"), cat, event(2), event(3)] {
        sink.write(&record.into()).unwrap();
    }
    let received = lines(&path, 3);
    let ids: Vec<u64> = received
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn a_program_that_fails_or_is_late_is_ended_and_the_next_event_has_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let script = format!(
        "trap '' TERM; echo run >> {0}; read line; case $line in *'\"id\":1,'*) exit 3;; *'\"id\":2,'*) sleep 1000;; esac; \
         echo done >> {0}",
        path.display()
    );
    let spec = CommandSinkSpec { timeout: Duration::from_millis(500), ..spec(&script) };
    let mut sink = CommandSink::open(spec).unwrap();
    for id in 1..=3 {
        sink.write(&event(id).into()).unwrap();
    }
    assert_eq!(lines(&path, 4), "run\nrun\nrun\ndone\n");
}

#[test]
fn a_program_that_hangs_fills_the_queue_without_anybody_waiting_and_ends_with_the_sink() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids");
    let script = format!("sleep 1000 & echo $$ $! >> {}; wait", path.display());
    let mut sink = CommandSink::open(spec(&script)).unwrap();
    let began = Instant::now();
    // it has one of them, and a few wait; the sink's own queue takes the rest when this one refuses
    let taken = (1..100).take_while(|id| sink.write(&event(*id).into()).is_ok()).count();
    assert!((16..=18).contains(&taken) && began.elapsed() < PATIENCE / 2, "{taken}");
    let ids = lines(&path, 1);
    drop(sink);
    for id in ids.split_whitespace() {
        let began = Instant::now();
        let stat = || fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let is_alive = || {
            stat()
                .rsplit(')')
                .next()
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
        };
        while is_alive() {
            assert!(began.elapsed() < PATIENCE, "{id} is left behind");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn no_more_programs_are_run_than_a_minute_allows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("received");
    let spec = CommandSinkSpec { max_per_minute: 2, ..spec(&format!("cat >> {}", path.display())) };
    let mut sink = CommandSink::open(spec).unwrap();
    for id in 1..=50 {
        sink.write(&event(id).into()).unwrap();
    }
    let received = lines(&path, 2);
    drop(sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), received);
}
