//! `tympan watch` and `tympan run --live` on terminals of their own: what stands on them, and how they are left.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use super::hostile::{printed_in, stderr_in, wait_until};
use super::{Running, output_of, says, tympan};

const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// A terminal, what was written to it, and the shell that runs in it.
struct Terminal {
    shell: Child,
    keyboard: File,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs `tympan ARGUMENTS` in a terminal whose settings before and after are in `folder`, its process in `folder/process`,
    /// its exit code in `folder/code`.
    fn running(arguments: &str, folder: &Path) -> Self {
        Self::running_as("xterm-256color", arguments, folder)
    }

    fn running_as(term: &str, arguments: &str, folder: &Path) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname_r(&master).unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let (program, folder_name) = (env!("CARGO_BIN_EXE_tympan"), folder.display());
        let script = format!(
            "cd {folder_name}; stty cols {COLUMNS} rows {ROWS}; stty -g >before; \
             bash -c 'echo $$ >process; exec {program} {arguments}'; echo $? >code; stty -g >after"
        );
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "bash", "-c", &script]);
        command.env("TERM", term).env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR").env_remove("COLORTERM").env_remove("RUST_LOG");
        command.stdin(slave.try_clone().unwrap()).stdout(slave).stderr(stderr_in(folder));
        let shell = command.spawn().unwrap();
        drop(command);
        let keyboard = File::from(OwnedFd::from(master));
        let mut screen = keyboard.try_clone().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                shown.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { shell, keyboard, written }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn shows(&self, words: &str) {
        wait_until(&format!("{words:?} on\n{}", self.screen()), || self.screen().contains(words));
    }

    fn screen(&self) -> String {
        screen(&self.written())
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for its end; gives its exit code once the terminal has been found as it was.
    #[track_caller]
    fn ended(mut self, folder: &Path) -> (i32, String) {
        wait_until("the end", || self.shell.try_wait().unwrap().is_some());
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("before"), read("after"), "the terminal's settings");
        let written = self.written();
        let last = |code: &str| written.rfind(code);
        let (entered, left) = (last("\u{1b}[?1049h"), last("\u{1b}[?1049l"));
        assert!(entered.is_none() || entered < left, "the alternate screen is still there");
        let (hidden, shown) = (last("\u{1b}[?25l"), last("\u{1b}[?25h"));
        assert!(hidden.is_none() || hidden < shown, "the cursor is hidden");
        (read("code").trim().parse().unwrap(), written)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended_already = self.shell.kill();
        let _status = self.shell.wait();
    }
}

/// What a terminal shows that was sent `written`: as much of its language as the view uses.
fn screen(written: &str) -> String {
    let mut cells = vec![vec![' '; COLUMNS]; ROWS];
    let (mut row, mut column) = (0, 0);
    let mut rest = written.chars();
    while let Some(character) = rest.next() {
        if character != '\u{1b}' {
            match character {
                '\r' => column = 0,
                '\n' => row += 1,
                _ => {
                    if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
                        *cell = character;
                    }
                    column += 1;
                }
            }
            continue;
        }
        assert_eq!(rest.next().unwrap_or('['), '[', "a sequence that the view has no use for");
        let mut numbers = String::new();
        match rest.find(|next| {
            let is_end = next.is_ascii_alphabetic();
            if !is_end {
                numbers.push(*next);
            }
            is_end
        }) {
            Some('H') => {
                let (down, right) = numbers.split_once(';').unwrap_or(("1", "1"));
                row = down.parse::<usize>().unwrap() - 1;
                column = right.parse::<usize>().unwrap() - 1;
            }
            Some('J') => cells.iter_mut().for_each(|row| row.fill(' ')),
            _ => {}
        }
    }
    cells.iter().map(|row| format!("{}\n", row.iter().collect::<String>().trim_end())).collect()
}

/// A daemon on the demo with a socket in `folder`.
fn daemon(folder: &Path) -> Running {
    let mut command = tympan();
    command.args(["run", "--source", "demo", "--socket"]).arg(folder.join("tympan.sock"));
    let mut daemon = Running::start_with_stderr(command, Stdio::null());
    daemon.until(|record| record["type"] == "window");
    daemon
}

fn send(signal: &str, folder: &Path) {
    let kill = format!("kill -s {signal} $(cat {}/process)", folder.display());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
}

#[test]
fn however_the_view_ends_the_terminal_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let _daemon = daemon(folder.path());
    let socket = folder.path().join("tympan.sock");
    for way in ["q", "\u{3}", "TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = format!("watch {}", socket.display());
        let mut terminal = Terminal::running(&arguments, folder.path());
        terminal.shows("demo  listening");
        terminal.shows("floor");
        if way.len() == 1 {
            terminal.press(way);
        } else {
            send(way, folder.path());
        }
        let (code, written) = terminal.ended(folder.path());
        assert_eq!(code, 0, "{way}: {}", printed_in(folder.path()));
        let after = written.rsplit("\u{1b}[?1049l").next().unwrap();
        says(after, &["watched for ", ", 0 gaps, 0 records missed, latency p99 "]);
    }
}

#[test]
fn the_last_screen_stays_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let _daemon = daemon(folder.path());
    let mut terminal = Terminal::running("watch tympan.sock", folder.path());
    terminal.shows("demo  listening");
    terminal.shows("the demo, 48000 Hz, model esc50");
    terminal.press("Q");
    let (code, written) = terminal.ended(folder.path());
    assert_eq!(code, 0);
    let after = written.rsplit("\u{1b}[?1049l").next().unwrap();
    says(after, &["listening", "the demo, 48000 Hz, model esc50", "watched for "]);
}

#[test]
fn a_lost_daemon_is_waited_for_and_shown_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = daemon(folder.path());
    let mut terminal = Terminal::running("watch --sweep --colour none tympan.sock", folder.path());
    terminal.shows("demo  listening");
    drop(first);
    terminal.shows("demo  waiting for the daemon");
    terminal.shows("next try in");
    let _second = daemon(folder.path());
    terminal.shows("demo  listening");
    terminal.press("?");
    terminal.shows("show or hide this help");
    terminal.press("q");
    let (code, written) = terminal.ended(folder.path());
    assert_eq!(code, 0);
    assert!(!written.contains("\u{1b}[38;") && !written.contains("\u{1b}[48;"), "colours");
}

/// The exit code and the words of `tympan watch` on a socket whose other end says `greeting`.
fn watched(greeting: &'static str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("tympan.sock")).unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // it may have gone
            let _ = client.write_all(greeting.as_bytes());
        }
    });
    let terminal = Terminal::running("watch tympan.sock", folder.path());
    let (code, _) = terminal.ended(folder.path());
    (code, printed_in(folder.path()))
}

#[test]
fn what_is_no_daemon_of_this_protocol_is_named_and_the_view_ends() {
    let (code, words) = watched("{\"type\":\"hello\",\"protocol\":2,\"version\":\"9.0.0\"}\n");
    assert_eq!(code, 1);
    says(&words, &["tympan.sock: it is tympan 9.0.0", "version 2", "speaks version 1"]);
    let (code, words) = watched("HTTP/1.0 200 OK\r\n\u{1b}[31m\n");
    assert_eq!(code, 1);
    says(&words, &["what listens there is no tympan", "HTTP/1.0 200 OK"]);
    assert!(!words.contains('\u{1b}'), "{words:?}");
    let (code, words) =
        watched("{\"type\":\"refused\",\"detail\":\"send a line with the right token first\"}\n");
    assert_eq!(code, 1);
    says(&words, &["right token", "--token-file"]);
}

#[test]
fn what_cannot_show_a_view_is_refused_with_a_command_that_gives_text() {
    for arguments in [&["watch", "/run/x.sock"][..], &["run", "--live", "--source", "demo"]] {
        let piped = output_of(arguments);
        assert_eq!(piped.status.code(), Some(2));
        says(
            &String::from_utf8_lossy(&piped.stderr),
            &["standard output is no terminal", "As text: "],
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal::running_as("dumb", "watch 127.0.0.1:9", folder.path());
    assert_eq!(terminal.ended(folder.path()).0, 2);
    says(&printed_in(folder.path()), &["the terminal is a dumb one. As text: ncat 127.0.0.1 9"]);
}

#[test]
fn a_live_run_shows_its_own_daemon_and_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::running("run --live --source demo", folder.path());
    terminal.shows("demo  listening");
    terminal.shows("the demo, 48000 Hz, model esc50");
    terminal.press("q");
    let (code, written) = terminal.ended(folder.path());
    assert_eq!(code, 0, "{}", printed_in(folder.path()));
    let after = written.rsplit("\u{1b}[?1049l").next().unwrap();
    says(after, &["watched for "]);
    assert!(!written.contains("\"type\""), "records stood on the screen");

    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal::running("run --live --source demo --seconds 4", folder.path());
    terminal.shows("demo  listening");
    let (code, written) = terminal.ended(folder.path());
    assert_eq!(code, 0, "{}", printed_in(folder.path()));
    says(written.rsplit("\u{1b}[?1049l").next().unwrap(), &["watched for "]);

    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal::running("run --live --source file:no-such.wav", folder.path());
    let (code, written) = terminal.ended(folder.path());
    assert_eq!(code, 3, "{}", printed_in(folder.path()));
    assert!(!written.contains("\u{1b}[?1049h"), "a view was opened for nothing");
    says(&printed_in(folder.path()), &["no-such.wav"]);
}
