//! A power cut while a log is written and rotated, as often as `TYMPAN_KILLS` says: each costs one line at most, and the
//! next start goes on behind it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::tympan;

/// Enough for every run; `TYMPAN_KILLS=200` takes minutes.
const KILLS: usize = 6;

/// Far longer than a start takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The log and its rotated files, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    // the current one has no date, and comes last
    files.sort_by_key(|path| (path.ends_with("log.jsonl"), path.clone()));
    files
}

fn bytes(folder: &Path) -> u64 {
    files(folder).iter().filter_map(|path| path.metadata().ok()).map(|it| it.len()).sum()
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_log_loses_one_line_at_most_to_each_power_cut() {
    let kills = std::env::var("TYMPAN_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    let (config, printed) = (folder.path().join("tympan.toml"), folder.path().join("said.txt"));
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let text = format!(
        "model = {model:?}\n[output.stdout]\nenabled = false\n[output.log_file]\nenabled = true\n\
         path = {log:?}\nwindows = true\nmax_size_mb = 1\nmax_total_mb = 1000000\n"
    );
    std::fs::File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
    for kill in 0..kills {
        let before = bytes(folder.path());
        let mut daemon = tympan()
            .args(["run", "--source", "demo", "--fast", "--seconds", "1000000", "--config"])
            .arg(&config)
            .stderr(std::fs::File::create(&printed).unwrap())
            .spawn()
            .unwrap();
        // somewhere in the next two files
        let grown = 1 + (kill as u64 * 7919) % 1009 * 2_000;
        let began = Instant::now();
        while bytes(folder.path()) < before + grown {
            let ended = daemon.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", std::fs::read_to_string(&printed).unwrap());
            assert!(began.elapsed() < PATIENCE, "the log does not grow");
            std::thread::sleep(Duration::from_millis(1));
        }
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
    let (mut starts, mut torn, mut was_torn) = (0, 0, false);
    for file in files(folder.path()) {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else {
                assert!(!was_torn, "two torn lines in a row, in {}", file.display());
                (torn, was_torn) = (torn + 1, true);
                continue;
            };
            let is_start =
                record["state"] == "listening" && record["detail"] != "audio arrives again";
            starts += usize::from(is_start);
            assert!(is_start || !was_torn, "a torn line within a run, in {}", file.display());
            was_torn = false;
        }
    }
    assert_eq!(starts, kills, "every run has its first line");
    assert!(torn <= kills, "{torn} torn lines of {kills} cuts");
    assert!(files(folder.path()).len() > kills / 2, "it was rotated");
}
