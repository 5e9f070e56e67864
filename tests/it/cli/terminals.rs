//! Signals at any moment of the start, and terminals that are closed under a daemon that runs in them.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use super::hostile::{printed_in, signal, status_of, stderr_in, wait_until};
use super::{Running, configuration, tympan};

/// Whether a process holds SIGHUP back or handles it.
fn knows_hangup(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    ["SigBlk:", "SigCgt:"].iter().any(|field| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1 != 0
    })
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_signal_at_any_moment_of_the_start_ends_it_well_or_is_a_reload() {
    for delay_ms in [0, 3, 10, 30, 100, 300, 600] {
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(folder.path(), "");
        for name in ["HUP", "TERM"] {
            let mut command = tympan();
            command.args(["run", "--source", "demo", "--config", &config]);
            let mut daemon = Running::start_with_stderr(command, stderr_in(folder.path()).into());
            // before that it is the loader's, which knows no signals
            wait_until("the first instruction", || knows_hangup(daemon.child.id()));
            std::thread::sleep(Duration::from_millis(delay_ms));
            signal(&daemon.child, name);
            if name == "HUP" {
                daemon.until(|record| record["type"] == "window");
                assert_eq!(daemon.end_by("TERM").1, Some(0));
            } else {
                let code = daemon.child.wait().unwrap().code();
                assert_eq!(code, Some(0), "after {delay_ms} ms: {}", printed_in(folder.path()));
            }
        }
    }
}

/// Runs `script` with a terminal of its own as its controlling terminal and standard input.
fn in_a_terminal(script: &str, folder: &Path) -> (Child, File) {
    // none of what other tests start meanwhile inherits it
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = File::options().read(true).write(true).open(ptsname_r(&master).unwrap()).unwrap();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "bash", "-c", script]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(slave.try_clone().unwrap());
    command.stdout(slave).stderr(stderr_in(folder));
    (command.spawn().unwrap(), OwnedFd::from(master).into())
}

#[test]
fn a_terminal_that_is_closed_ends_a_run_with_exit_code_0_whichever_streams_are_redirected() {
    let program = env!("CARGO_BIN_EXE_tympan");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.display();
    let redirections = [
        format!("exec {program} run --source demo </dev/null >{out}"),
        format!("exec {program} run --source demo </dev/null >{out} 2>&1"),
        format!("exec {program} run --source demo >{out}"),
        format!("exec {program} run --source demo"),
    ];
    let ends = redirections.map(|script| {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, mut master) = in_a_terminal(&script, folder.path());
        std::thread::spawn(move || {
            // a process of its name in that session listens when it has a few threads
            let mut shown = [0; 100];
            let on_terminal = script.ends_with("run --source demo");
            if on_terminal {
                let _first_words = master.read(&mut shown);
            }
            std::thread::sleep(Duration::from_secs(4));
            drop(master);
            (child.wait().unwrap().code(), script, folder)
        })
    });
    for end in ends {
        let (code, script, _folder) = end.join().unwrap();
        assert_eq!(code, Some(0), "{script}");
    }
}

#[test]
fn under_nohup_a_terminal_that_is_closed_ends_nothing() {
    let program = env!("CARGO_BIN_EXE_tympan");
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("tympan.sock");
    let (out, socket_path) = (folder.path().join("out"), socket.display());
    let script = format!(
        "nohup {program} run --source demo --socket {socket_path} </dev/null >{} 2>&1 & sleep 600",
        out.display()
    );
    let (mut shell, master) = in_a_terminal(&script, folder.path());
    wait_until("the daemon", || status_of(&socket).1 == Some(0));
    drop(master);
    let _ended = shell.wait().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let (text, code) = status_of(&socket);
    assert_eq!(code, Some(0), "{text}");
    let process = text.split("process ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let kill = format!("kill -s TERM {process}");
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    wait_until("its end", || !socket.exists());
}
