//! Captured audio stays in memory: the daemon writes no file that nobody configured, and clips of events only if it is asked
//! for them in so many words.

use std::path::{Path, PathBuf};

use super::{Running, configuration, demo_wav, output_of, says, tympan};

/// A folder that is everything the daemon could take for its own.
fn in_its_own_folder(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = tympan();
    command.current_dir(folder).args(arguments);
    for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"] {
        command.env(name, folder);
    }
    command
}

fn model() -> String {
    format!("{}/models/esc50", env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The regular files that a process has open for writing.
fn written_by(process: u32) -> Vec<String> {
    let mut written = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{process}/fdinfo")).unwrap() {
        let number = entry.unwrap().file_name().into_string().unwrap();
        // a file that was closed meanwhile has no entry any more
        let Ok(about) = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")) else {
            continue;
        };
        let Ok(target) = std::fs::read_link(format!("/proc/{process}/fd/{number}")) else {
            continue;
        };
        let flags = about.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let is_writable = u32::from_str_radix(flags, 8).unwrap() & 0o3 != 0;
        let target = target.to_str().unwrap().to_owned();
        if is_writable && target.starts_with('/') && !target.starts_with("/dev/") {
            written.push(target);
        }
    }
    written
}

/// Bytes that the process had the system write to storage.
fn bytes_to_storage(process: u32) -> u64 {
    let account = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap();
    let line = account.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

#[test]
fn by_default_not_one_byte_goes_to_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Running::start(in_its_own_folder(
        folder.path(),
        &["run", "--source", "demo", "--format", "jsonl", "--model", &model()],
    ));
    let mut windows = 0;
    daemon.until(|record| {
        windows += u32::from(record["type"] == "window");
        windows == 30
    });
    let process = daemon.child.id();
    assert_eq!(written_by(process), Vec::<String>::new());
    assert_eq!(bytes_to_storage(process), 0);
    assert_eq!(daemon.end_by("TERM").1, Some(0));
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn with_a_log_file_only_that_is_written_and_it_holds_no_samples() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(
        folder.path(),
        "[output.log_file]\nenabled = true\npath = \"log.jsonl\"\nwindows = true\n",
    );
    let mut daemon = Running::start(in_its_own_folder(
        folder.path(),
        &["run", "--source", "demo", "--format", "jsonl", "--config", &config],
    ));
    let mut windows = 0;
    daemon.until(|record| {
        windows += u32::from(record["type"] == "window");
        windows == 30
    });
    let log = folder.path().join("log.jsonl");
    assert_eq!(written_by(daemon.child.id()), [log.to_str().unwrap()]);
    assert_eq!(daemon.end_by("TERM").1, Some(0));
    // 30 windows are two seconds of audio and more, which take a hundred thousand bytes in the smallest of forms
    let bytes = std::fs::metadata(&log).unwrap().len();
    assert!((1_000..40_000).contains(&bytes), "{bytes}");
}

fn saved(folder: &Path, recording: &str, clips: &str) -> Vec<PathBuf> {
    let config = configuration(folder, clips);
    let source = format!("file:{recording}");
    let output =
        in_its_own_folder(folder, &["run", "--config", &config, "--source", &source, "--fast"])
            .output()
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    files(&folder.join("clips"))
}

#[test]
fn clips_are_saved_of_the_labels_named_unless_they_contain_a_denied_one() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 30);
    let (config, wav) = (configuration(folder.path(), ""), wav.to_str().unwrap().to_owned());
    let source = format!("file:{wav}");
    let arguments =
        ["run", "--config", &config, "--source", &source, "--fast", "--save-clips", "siren"];
    let output = in_its_own_folder(folder.path(), &arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let records = super::parsed(&text);
    let sirens = records.iter().filter(|it| it["label"] == "siren" && it["phase"] == "offset");
    let clips = files(&folder.path().join("clips"));
    assert_eq!(clips.len(), sirens.count(), "{clips:?}");
    assert!(!clips.is_empty(), "the demo has no siren: {text}");
    let wav_of = |path: &PathBuf| hound::WavReader::open(path).unwrap().duration();
    assert!(clips.iter().all(|clip| wav_of(clip) > 48_000), "shorter than a second");
    assert!(clips[0].to_str().unwrap().contains("-siren-"), "{clips:?}");

    for deny in ["siren", "dog"] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[clips]\nenabled = true\nlabels = [\"siren\"]\ndeny = [{deny:?}]\n");
        let kept = saved(folder.path(), &wav, &text).len();
        assert_eq!(kept, if deny == "siren" { 0 } else { clips.len() }, "{deny}");
    }
    let config = configuration(folder.path(), "[detector]\ndeny = [\"siren\"]\n");
    let never =
        output_of(&["run", "--config", &config, "--source", "demo", "--save-clips", "siren"]);
    assert_eq!(never.status.code(), Some(2));
    says(&String::from_utf8_lossy(&never.stderr), &["\"siren\" never becomes an event"]);
    let unknown = output_of(&["run", "--source", "demo", "--save-clips", "sirens"]);
    assert_eq!(unknown.status.code(), Some(2));
    says(&String::from_utf8_lossy(&unknown.stderr), &["no label \"sirens\"", "\"siren\"?"]);
}
