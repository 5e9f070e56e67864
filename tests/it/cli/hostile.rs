//! The program among those who want it to fail: names that steer terminals, servers that never answer, configurations that
//! cannot be read twice, terminals that go, machines that lack what every machine has.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{Running, configuration, failure, output_of, says, tympan};
use crate::support::skipping::skipped;

/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

const UNIX: &str = "[output.unix]\nenabled = true\npath = \"tympan.sock\"\n";

pub(super) fn signal(child: &Child, signal: &str) {
    let kill = format!("kill -s {signal} {}", child.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
}

#[track_caller]
pub(super) fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The daemon on the demo, its words in `folder/stderr`, once it has scored a window.
fn listening(folder: &Path, config: &str) -> Running {
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--config", config]);
    let mut daemon = Running::start_with_stderr(command, stderr_in(folder).into());
    daemon.until(|record| record["type"] == "window");
    daemon
}

pub(super) fn stderr_in(folder: &Path) -> File {
    File::options().create(true).append(true).open(folder.join("stderr")).unwrap()
}

pub(super) fn printed_in(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("stderr")).unwrap_or_default()
}

pub(super) fn status_of(socket: &Path) -> (String, Option<i32>) {
    let output = output_of(&["status", "--connect", socket.to_str().unwrap()]);
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).unwrap(), output.status.code())
}

#[test]
fn an_output_that_nobody_reads_is_reported_in_status_state_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), UNIX);
    let (reader, writer) = std::io::pipe().unwrap();
    // a few windows fill it
    fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let mut daemon = tympan()
        .args(["run", "--source", "demo", "--config", &config])
        .stdout(writer)
        .stderr(stderr_in(folder.path()))
        .spawn()
        .unwrap();
    let socket = folder.path().join("tympan.sock");
    wait_until("the socket", || socket.exists());
    let mut client = BufReader::new(UnixStream::connect(&socket).unwrap());
    let mut line = String::new();
    while !line.contains("\"state\":\"stalled\"") {
        line.clear();
        assert!(client.read_line(&mut line).unwrap() > 0, "the daemon ended");
    }
    says(&line, &["the output stdout has taken nothing for"]);
    let (text, code) = status_of(&socket);
    says(&text, &["stalled for", "stdout stalled for"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        printed_in(folder.path()).matches("warn: the output stdout has taken nothing").count(),
        1
    );
    // somebody reads again
    let reading = std::thread::spawn(move || BufReader::new(reader).lines().count());
    while !line.contains("\"state\":\"listening\"") {
        line.clear();
        assert!(client.read_line(&mut line).unwrap() > 0, "the daemon ended");
    }
    says(&printed_in(folder.path()), &["the output stdout takes records again"]);
    signal(&daemon, "TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert!(reading.join().unwrap() > 10);
}

/// A server on a Unix socket that does `serve` with each client, once it has asked.
fn evil_server(path: &Path, serve: impl Fn(UnixStream) + Send + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _question = client.read(&mut [0; 100]);
            serve(client);
        }
    });
}

#[test]
fn whatever_a_server_answers_steers_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("evil");
    let evil = "\\u001b]0;OWNED\\u0007 \\u001b[31mred\\u202eder\\n \\u009b2J";
    let answer = format!(
        "{{\"type\":\"daemon\",\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"{evil}\",\"process\":1,\
         \"started\":\"2026-01-01T00:00:00Z\",\"state\":\"listening\",\"detail\":\"{evil}\",\
         \"since\":\"2026-01-01T00:00:00Z\",\"device\":\"{evil}\",\"sample_rate_hz\":48000,\"model\":\"{evil}\",\
         \"level_dbfs\":-20.0,\"counters\":{{\"{evil}\":7}},\"latency\":{{\"windows\":0,\"p50_us\":0,\"p90_us\":0,\
         \"p99_us\":0,\"p999_us\":0,\"max_us\":0}},\"sinks\":[{{\"name\":\"{evil}\",\"fails\":false,\"lost\":0}}],\
         \"reload\":{{\"time\":\"2026-01-01T00:00:00Z\",\"succeeded\":true,\"detail\":\"{evil}\"}}}}\n"
    );
    evil_server(&socket, move |mut client| drop(client.write_all(answer.as_bytes())));
    for json in [false, true] {
        let mut arguments = vec!["status", "--connect", socket.to_str().unwrap()];
        arguments.extend(json.then_some("--json"));
        let output = output_of(&arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        says(&text, &["OWNED", "red"]);
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.chars().any(steers), "{text:?}");
        // a line break in a name makes no line of its own
        assert!(json || text.lines().count() == 9, "{text}");
    }
    // and what it refuses with
    let refusing = folder.path().join("refusing");
    let refusal = format!("{{\"type\":\"refused\",\"detail\":\"{evil}\"}}\n");
    evil_server(&refusing, move |mut client| drop(client.write_all(refusal.as_bytes())));
    let (text, code) = status_of(&refusing);
    assert!(code == Some(1) && !text.contains('\u{1b}') && text.contains("OWNED"), "{text:?}");
    let named = failure(&["run", "--source", "file:\u{1b}[31mred.wav"], 3);
    assert!(!named.contains('\u{1b}') && named.contains("red.wav"), "{named:?}");
    let argument = failure(&["--\u{1b}[31m"], 2);
    assert!(!argument.contains('\u{1b}'), "{argument:?}");
}

#[test]
fn status_ends_whatever_the_other_side_does() {
    let folder = tempfile::tempdir().unwrap();
    let [drip, records, full] = ["drip", "records", "full"].map(|name| folder.path().join(name));
    evil_server(&drip, |mut client| {
        while client.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    evil_server(&records, |mut client| {
        while client.write_all(b"{\"type\":\"window\"}\n").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    // a daemon that is stopped: nobody accepts, and the queue is full
    let _stopped = UnixListener::bind(&full).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        if client.connect(&socket2::SockAddr::unix(&full).unwrap()).is_err() {
            break;
        }
        waiting.push(client);
    }
    let asking = [drip, records, full].map(|socket| std::thread::spawn(move || status_of(&socket)));
    for asked in asking {
        let (text, code) = asked.join().unwrap();
        assert_eq!(code, Some(1), "{text}");
        says(&text, &["the daemon has not answered within 4 s"]);
    }
}

#[test]
fn a_configuration_that_cannot_be_read_or_was_cut_off_is_not_taken_and_the_next_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let rules = format!("{UNIX}[detector]\ndeny = [\"siren\"]\n[log]\nlevel = \"info\"\n");
    let config = configuration(folder.path(), &rules);
    let whole = std::fs::read_to_string(&config).unwrap();
    let daemon = listening(folder.path(), &config);
    let socket = folder.path().join("tympan.sock");
    let reload_says = |wanted: &str| {
        signal(&daemon.child, "HUP");
        wait_until(wanted, || printed_in(folder.path()).contains(wanted));
        assert!(status_of(&socket).0.contains(wanted), "{}", status_of(&socket).0);
    };
    std::fs::remove_file(&config).unwrap();
    mkfifo(Path::new(&config), Mode::S_IRWXU).unwrap();
    reload_says("cannot be read again (it is a FIFO");
    std::fs::remove_file(&config).unwrap();
    std::fs::write(&config, "").unwrap();
    reload_says("it is empty");
    std::fs::write(&config, &whole[..whole.find("deny").unwrap()]).unwrap();
    reload_says("on, deny, is missing");
    std::fs::write(&config, whole.replace("siren", "dog")).unwrap();
    reload_says("reloaded, model esc50");
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}

#[test]
fn a_configuration_from_a_pipe_serves_the_start_and_no_reload() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &format!("{UNIX}[detector]\ndeny = [\"siren\"]\n"));
    let text = std::fs::read_to_string(&config)
        .unwrap()
        .replace("tympan.sock", &format!("{}/tympan.sock", folder.path().display()));
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--config", "/dev/stdin"]).stdin(Stdio::piped());
    let mut daemon = Running::start_with_stderr(command, stderr_in(folder.path()).into());
    daemon.child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    daemon.until(|record| record["type"] == "window");
    signal(&daemon.child, "HUP");
    wait_until("word of the reload", || printed_in(folder.path()).contains("not reloaded"));
    says(
        &printed_in(folder.path()),
        &["/dev/stdin cannot be read again", "give --config a regular file"],
    );
    assert_eq!(daemon.end_by("TERM").1, Some(0));
}

#[test]
fn no_core_is_ever_dumped_and_the_units_say_so_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "");
    let program = env!("CARGO_BIN_EXE_tympan");
    let mut command = Command::new("bash");
    let script = format!("ulimit -c unlimited; exec {program} run --source demo --config {config}");
    command.args(["-c", &script]).current_dir(folder.path());
    let mut daemon = Running::start(command);
    daemon.until(|record| record["type"] == "window");
    let process = daemon.child.id();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    signal(&daemon.child, "ABRT");
    let ended = daemon.child.wait().unwrap();
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&ended), "{ended}");
    for unit in ["tympan.service", "tympan-user.service"] {
        let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit);
        assert!(std::fs::read_to_string(unit).unwrap().lines().any(|line| line == "LimitCORE=0"));
    }
}

#[test]
fn with_few_descriptors_clients_take_none_that_the_daemon_needs() {
    let folder = tempfile::tempdir().unwrap();
    let log = "[output.log_file]\nenabled = true\npath = \"log.jsonl\"\n";
    let config = configuration(folder.path(), &format!("{UNIX}{log}"));
    let program = env!("CARGO_BIN_EXE_tympan");
    let mut command = Command::new("bash");
    let script = format!("ulimit -n 40; exec {program} run --source demo --config {config}");
    command.args(["-c", &script]).current_dir(folder.path());
    let mut daemon = Running::start_with_stderr(command, stderr_in(folder.path()).into());
    daemon.until(|record| record["type"] == "window");
    let socket = folder.path().join("tympan.sock");
    let clients: Vec<_> = (0..60).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    assert!(clients.len() > 30, "{}", clients.len());
    // the log is begun anew, and the configuration and the model are read again
    std::fs::rename(folder.path().join("log.jsonl"), folder.path().join("moved")).unwrap();
    signal(&daemon.child, "HUP");
    daemon.until(|record| record["detail"] == "reloaded, model esc50");
    wait_until("a new log", || folder.path().join("log.jsonl").exists());
    says(&printed_in(folder.path()), &["max_clients is 64, and this process may open 40 files"]);
    drop(clients);
    assert_eq!(daemon.end_by("TERM").1, Some(0));
    assert!(
        !printed_in(folder.path()).contains("Too many open files"),
        "{}",
        printed_in(folder.path())
    );
}

#[test]
fn a_machine_without_devices_of_its_own_captures_or_reports_why_not() {
    let bare = Command::new("unshare").args(["--mount", "true"]).status();
    if !bare.is_ok_and(|status| status.success()) {
        return skipped("only root can take /dev away");
    }
    let program = env!("CARGO_BIN_EXE_tympan");
    let folder = tempfile::tempdir().unwrap();
    let wav = super::demo_wav(folder.path(), 4);
    let script = format!(
        "mount -t tmpfs none /dev && exec {program} run --fast --source file:{}",
        wav.display()
    );
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    says(&String::from_utf8_lossy(&output.stdout), &["\"type\":\"window\"", "\"stopping\""]);
}

#[test]
fn a_channel_that_is_no_numbers_is_reported_and_the_others_are_captured() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "");
    let mut command = tympan();
    command.args(["run", "--source", "stdin:f32le:16000:8", "--config", &config]);
    command.stdin(Stdio::piped());
    let mut daemon = Running::start(command);
    let mut input = daemon.child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        for index in 0..16_000 * 600u32 {
            let sound = (index as f32 * 0.3).sin() * 0.5;
            let mut frame = [sound; 8];
            frame[3] = f32::NAN;
            let bytes: Vec<u8> = frame.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            if input.write_all(&bytes).is_err() {
                break;
            }
        }
    });
    let records = daemon.until(|record| record["state"] == "invalid");
    says(records.last().unwrap()["detail"].as_str().unwrap(), &["no numbers", "left out"]);
    let window = daemon.until(|record| record["type"] == "window");
    let level = window.last().unwrap()["level_dbfs"].as_f64().unwrap();
    assert!((-12.0..-6.0).contains(&level), "{level}");
    assert_eq!(daemon.end_by("TERM").1, Some(0));
    feeding.join().unwrap();
}

#[test]
fn what_is_planted_in_the_place_of_an_output_is_refused_in_words_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let [treasure, link, fifo] = ["treasure", "link", "fifo"].map(|name| folder.path().join(name));
    std::fs::write(&treasure, "gold").unwrap();
    symlink(&treasure, &link).unwrap();
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    for (planted, word) in [
        (link.as_path(), "symbolic link"),
        (&fifo, "FIFO"),
        (Path::new("/dev/full"), "device"),
        (folder.path(), "folder"),
    ] {
        let text = format!("[output.log_file]\nenabled = true\npath = {planted:?}\n");
        let config = configuration(folder.path(), &text);
        let printed = failure(&["run", "--source", "demo", "--config", &config], 2);
        says(&printed, &["cannot write the log file", word]);
    }
    let token = format!(
        "[output.tcp]\nenabled = true\naddress = \"0.0.0.0:7398\"\ntoken_file = {fifo:?}\n"
    );
    let config = configuration(folder.path(), &token);
    let printed = failure(&["run", "--source", "demo", "--config", &config], 2);
    says(&printed, &["cannot read the token", "FIFO"]);
    let printed = failure(&["run", "--source", &format!("file:{}", fifo.display())], 3);
    says(&printed, &["FIFO"]);
    assert_eq!(std::fs::read_to_string(&treasure).unwrap(), "gold");
    assert!(link.is_symlink());
}
