//! Records in the journal, read by a journal of the test's own.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::skipping::skipped;

/// The fields of an entry, one `NAME=value` a line. Those with a length before their value have it without.
fn lines(mut entry: &[u8]) -> String {
    let mut lines = String::new();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&entry[..end]).into_owned();
        entry = &entry[end + 1..];
        lines.push_str(&line);
        if !line.contains('=') {
            let (length, rest) = entry.split_first_chunk::<8>().unwrap();
            let (value, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
            lines.push('=');
            lines.push_str(&String::from_utf8_lossy(value));
            entry = &rest[1..];
        }
        lines.push('\n');
    }
    lines
}

#[test]
fn records_are_entries_of_the_journal_with_fields_to_search_by() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(folder.path().join("socket")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let stream = folder.path().join("stdout");
    let stdout = std::fs::File::create(&stream).unwrap();
    let found = std::fs::metadata(&stream).unwrap();
    // a journal in a place of its own, in the place of the machine's
    let script = format!(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind {} /run/systemd/journal && \
         exec {} run --source demo --fast --seconds 12",
        folder.path().display(),
        env!("CARGO_BIN_EXE_tympan")
    );
    let mut daemon = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino()))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut entries = Vec::new();
    let mut bytes = vec![0; 1 << 16];
    let is_last = |entry: &String| entry.contains("TYMPAN_STATE=stopping");
    while !entries.last().is_some_and(is_last) {
        match socket.recv(&mut bytes) {
            Ok(count) => entries.push(lines(&bytes[..count])),
            Err(_) => break,
        }
    }
    let status = daemon.wait().unwrap();
    if !status.success() && entries.is_empty() {
        return skipped("only root can give a process a journal of its own");
    }
    assert!(status.success() && entries.last().is_some_and(is_last), "{entries:#?}");
    let siren = entries.iter().find(|entry| entry.contains("TYMPAN_LABEL=siren"));
    let siren = siren.unwrap_or_else(|| panic!("{entries:#?}"));
    for field in [
        "TYMPAN_TYPE=event",
        "TYMPAN_PHASE=onset",
        "TYMPAN_SOURCE=demo",
        "TYMPAN_SCORE=0.",
        "MESSAGE_ID=b1a6e5a6f3f64d0f9c0d0c9a1f3c7e52",
        "MESSAGE={\"type\":\"event\",\"phase\":\"onset\"",
        "PRIORITY=",
        "SYSLOG_IDENTIFIER=tympan",
    ] {
        assert!(siren.lines().any(|line| line.starts_with(field)), "{field} is not in {siren}");
    }
    assert!(!entries.iter().any(|entry| entry.contains("TYMPAN_TYPE=window")), "a million a day");
    assert_eq!(std::fs::read_to_string(&stream).unwrap(), "", "each record goes to one place");
}
