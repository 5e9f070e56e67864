//! `tympan status`, and a reload, as an operator sees them: with the real program and its socket.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{ReservedPort, Running, configuration, output_of, says, success, tympan};

const UNIX: &str = "[output.unix]\nenabled = true\npath = \"tympan.sock\"\n";

/// A daemon on the demo that has scored its first window.
fn listening(config: &str) -> Running {
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--config", config]);
    let mut daemon = Running::start(command);
    daemon.until(|record| record["type"] == "window");
    daemon
}

/// What `status` with these arguments prints of a daemon that listens. On a machine under load, the daemon may say for a moment
/// that it is overloaded.
fn status_of_listening(arguments: &[&str], runtime: Option<&Path>) -> String {
    let began = Instant::now();
    loop {
        let mut command = tympan();
        command.arg("status").args(arguments);
        command.envs(runtime.map(|runtime| ("XDG_RUNTIME_DIR", runtime)));
        let answer = command.output().unwrap();
        let text = String::from_utf8(answer.stdout).unwrap();
        if answer.status.code() == Some(0) && text.contains("listening") {
            return text;
        }
        let errors = String::from_utf8_lossy(&answer.stderr);
        assert!(began.elapsed() < Duration::from_secs(60), "{text}{errors}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn hang_up(daemon: &Running) {
    let kill = format!("kill -s HUP {}", daemon.child.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
}

fn rewrite(config: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(config).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    std::fs::write(config, text.replace(from, to)).unwrap();
}

#[test]
fn a_running_daemon_says_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), UNIX);
    let daemon = listening(&config);
    let text = status_of_listening(&["--config", &config], None);
    says(
        &text,
        &["listening for", "source   the demo at 48000 Hz, -", "model    esc50", "latency  p50"],
    );
    says(&text, &["dropped  nothing", "outputs  stdout works, socket works"]);
    says(&text, &[&format!("process {}", daemon.child.id()), env!("CARGO_PKG_VERSION")]);
    let socket = folder.path().join("tympan.sock");
    let json = status_of_listening(&["--json", "--connect", socket.to_str().unwrap()], None);
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&status["type"], &status["state"]), (&"daemon".into(), &"listening".into()));
    assert!(status["counters"]["windows_scored"].as_u64().unwrap() >= 1, "{json}");
    assert!(status["latency"]["p50_us"].as_u64().unwrap() > 0, "{json}");
    assert_eq!(daemon.end_by("TERM").1, Some(0));
    let gone = output_of(&["status", "--config", &config]);
    assert_eq!(gone.status.code(), Some(1));
    says(&String::from_utf8_lossy(&gone.stderr), &["no daemon listens at", "is it running"]);
}

#[test]
fn without_an_address_the_user_s_own_daemon_is_asked_where_its_unit_has_the_socket() {
    let runtime = tempfile::tempdir().unwrap();
    let socket = runtime.path().join("tympan/tympan.sock");
    std::fs::create_dir(socket.parent().unwrap()).unwrap();
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--socket"]).arg(&socket);
    let mut daemon = Running::start(command);
    daemon.until(|record| record["type"] == "window");
    let text = status_of_listening(&[], Some(runtime.path()));
    says(&text, &["listening for", &format!("process {}", daemon.child.id())]);
}

#[test]
fn the_exit_code_shows_that_no_audio_is_processed() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), UNIX);
    let mut command = tympan();
    let zeros = super::demo_wav(folder.path(), 1);
    super::write_wav(&zeros, 16_000, 1, &vec![0; 16_000 * 30]);
    let source = format!("file:{}", zeros.display());
    command.args(["run", "--source", &source, "--config", &config]);
    let mut daemon = Running::start(command);
    daemon.until(|record| record["state"] == "silent");
    let silent = output_of(&["status", "--config", &config]);
    assert_eq!(silent.status.code(), Some(1));
    says(&String::from_utf8_lossy(&silent.stdout), &["silent for", "exactly 0"]);
}

#[test]
fn a_token_is_asked_for_beyond_this_machine_and_taken_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let port = ReservedPort::new();
    let open = format!("[output.tcp]\nenabled = true\naddress = \"0.0.0.0:{}\"\n", port.number);
    let config = configuration(folder.path(), &open);
    let refused = super::failure(&["run", "--source", "demo", "--config", &config], 2);
    says(
        &refused,
        &[
            &format!("output.tcp.address is 0.0.0.0:{}", port.number),
            "output.tcp.token_file is missing",
        ],
    );

    let secret = folder.path().join("secret");
    let config = configuration(folder.path(), &format!("{open}token_file = \"secret\"\n"));
    std::fs::write(&secret, "0123456789abcdef\n").unwrap();
    let mode = |mode| std::fs::set_permissions(&secret, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    let public = super::failure(&["run", "--source", "demo", "--config", &config], 2);
    says(&public, &["everybody can read the token", "chmod 600"]);
    mode(0o600);
    let daemon = listening(&config);
    says(&status_of_listening(&["--config", &config], None), &["listening for"]);
    let intruder = output_of(&["status", "--connect", &format!("127.0.0.1:{}", port.number)]);
    assert_eq!(intruder.status.code(), Some(1));
    says(&String::from_utf8_lossy(&intruder.stderr), &["wants another token"]);
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}

#[test]
fn a_reload_brings_new_rules_to_a_daemon_whose_clients_stay() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &format!("{UNIX}[detector]\nallow = [\"dog\"]\n"));
    let mut daemon = listening(&config);
    let reloaded = |record: &serde_json::Value| {
        record["detail"].as_str().is_some_and(|detail| detail.contains("reloaded"))
    };
    // wrong: nothing changes, and it is reported
    rewrite(&config, "\"dog\"", "\"dgo\"");
    hang_up(&daemon);
    let seen = daemon.until(reloaded);
    let refusal = seen.last().unwrap();
    assert_eq!(refusal["state"], "listening");
    says(refusal["detail"].as_str().unwrap(), &["not reloaded", "dgo", "tympan.toml:"]);
    says(&success(&["status", "--config", &config]), &["reload   ", "ago: not reloaded"]);
    // right: the demo's sounds become events; what needs a restart is named
    rewrite(&config, "[\"dgo\"]", "[]");
    rewrite(&config, "path = \"tympan.sock\"\n", "path = \"tympan.sock\"\nmode = \"0600\"\n");
    hang_up(&daemon);
    let seen = daemon.until(reloaded);
    let reported = seen.last().unwrap()["detail"].as_str().unwrap();
    says(reported, &["reloaded, model esc50", "still to come with a restart: [output.unix]"]);
    let onset = daemon.until(|record| record["phase"] == "onset");
    assert_ne!(onset.last().unwrap()["label"], "dog");
    let (rest, code) = daemon.end_by("TERM");
    assert_eq!(code, Some(0));
    let all = seen.iter().chain(&onset).chain(&rest);
    let lost: Vec<_> = all.filter(|record| record["type"] == "gap").collect();
    assert!(lost.is_empty(), "audio was lost: {lost:?}");
}

/// A folder with the shipped bundle under another name.
fn copied_bundle(folder: &Path) -> std::path::PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esc50");
    let copy = folder.join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::create_dir(copy.join("verifier")).unwrap();
    for part in ["", "verifier"] {
        for entry in std::fs::read_dir(shipped.join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), copy.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    copy
}

#[test]
fn a_bundle_that_was_replaced_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = copied_bundle(folder.path());
    let config = configuration(folder.path(), &format!("model = {bundle:?}\n{UNIX}"));
    let mut daemon = listening(&config);
    let manifest = bundle.join("model.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let renamed = text.replacen("name = \"esc50\"", "name = \"second\"", 1);
    assert_ne!(text, renamed);
    std::fs::write(&manifest, renamed).unwrap();
    hang_up(&daemon);
    let detail =
        |record: &serde_json::Value| record["detail"].as_str().unwrap_or_default().to_owned();
    daemon.until(|record| detail(record) == "reloaded, model second");
    says(&success(&["status", "--config", &config]), &["model    second"]);
    std::fs::write(bundle.join("weights.safetensors"), b"half a file").unwrap();
    hang_up(&daemon);
    daemon.until(|record| detail(record).starts_with("not reloaded"));
    daemon.until(|record| record["type"] == "window");
    says(&success(&["status", "--config", &config]), &["model    second", "not reloaded"]);
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}
