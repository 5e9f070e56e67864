//! What packages take from the program itself: completions that shells accept, and a man page for every command.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{failure, says, success};
use crate::support::skipping::skipped;

/// The visible commands below `command`, with their parents' words: `["plot", "plot waveform", "run"]`.
fn commands_below(command: &clap::Command, words: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
        let name = format!("{words} {}", below.get_name()).trim_start().to_owned();
        found.extend(commands_below(below, &name));
        found.insert(name);
    }
    found
}

fn shown_commands() -> BTreeSet<String> {
    let commands = commands_below(&tympan::cli::Arguments::shown(), "");
    assert!(commands.len() > 15, "only {commands:?}: the checks would prove nothing");
    commands
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_command_has_a_man_page_and_each_page_its_sections() {
    let folder = tempfile::tempdir().unwrap();
    success(&["man-pages", folder.path().to_str().unwrap()]);
    let pages: BTreeSet<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: BTreeSet<String> = shown_commands()
        .iter()
        .map(|words| format!("tympan-{}.1", words.replace(' ', "-")))
        .collect();
    expected.insert("tympan.1".to_owned());
    assert_eq!(pages, expected);
    for page in &pages {
        let text = fs::read_to_string(folder.path().join(page)).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            let heading = |line: &str| line.replace('"', "") == format!(".SH {section}");
            assert!(text.lines().any(heading), "{page} has no section {section}");
        }
    }
    let run = fs::read_to_string(folder.path().join("tympan-run.1")).unwrap();
    says(&run, &["/etc/tympan/config.toml", "/run/tympan/tympan.sock", "RUST_LOG", "PULSE_SERVER"]);
    let status = fs::read_to_string(folder.path().join("tympan-status.1")).unwrap();
    says(&status, &["The daemon cannot be reached"]);
    assert!(!status.contains("recording, an output"), "the shared meaning of 1 is not its own");
}

#[test]
fn a_page_of_the_manual_shows_every_option_of_its_command() {
    let folder = tempfile::tempdir().unwrap();
    success(&["man-pages", folder.path().to_str().unwrap()]);
    let shown = tympan::cli::Arguments::shown();
    for command in shown.get_subcommands() {
        let path = folder.path().join(format!("tympan-{}.1", command.get_name()));
        let page = fs::read_to_string(&path).unwrap().replace('\\', "");
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{option}")), "{}: --{option}", path.display());
        }
    }
}

#[test]
fn the_man_pages_have_no_fault_that_man_finds() {
    if Command::new("man").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skipped("there is no man (package man-db)");
    }
    let folder = tempfile::tempdir().unwrap();
    success(&["man-pages", folder.path().to_str().unwrap()]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let checked = Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
            .arg(&path)
            .env("LC_ALL", "C.UTF-8")
            .env("MANROFFSEQ", "")
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && complaints.is_empty(), "{path:?}: {complaints}");
    }
}

#[test]
fn man_pages_that_cannot_be_written_are_a_failure_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "file", "");
    let below = file.join("man");
    says(&failure(&["man-pages", below.to_str().unwrap()], 1), &[below.to_str().unwrap()]);
}

#[test]
fn commands_for_packages_are_not_in_the_help_or_the_completions() {
    let help = success(&["--help"]);
    for hidden in ["man-pages", "completions"] {
        assert!(!help.contains(hidden), "{help}");
        for shell in ["bash", "zsh", "fish"] {
            assert!(!success(&["completions", shell]).contains(hidden), "{shell}: {hidden}");
        }
    }
}

#[test]
fn bash_accepts_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    let script = written(folder.path(), "bash", &success(&["completions", "bash"]));
    let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    let complaints = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && complaints.is_empty(), "{complaints}");
}

/// What bash would offer for the last of `words`.
fn offered(script: &Path, words: &[&str]) -> BTreeSet<String> {
    let program = format!(
        "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _tympan tympan '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let output = Command::new("bash").args(["--norc", "-c", &program]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = written(folder.path(), "tympan.bash", &success(&["completions", "bash"]));
    let commands = offered(&script, &["tympan", ""]);
    for command in shown_commands().iter().filter(|words| !words.contains(' ')) {
        assert!(commands.contains(command), "{command} is not among {commands:?}");
    }
    assert_eq!(offered(&script, &["tympan", "sta"]), ["status".to_owned()].into());
    let formats = offered(&script, &["tympan", "run", "--format", ""]);
    assert_eq!(formats, ["jsonl".to_owned(), "text".to_owned()].into());
    let options = offered(&script, &["tympan", "run", "--s"]);
    let expected = ["--save-clips", "--seconds", "--socket", "--source"].map(ToOwned::to_owned);
    assert_eq!(options, expected.into());
    assert!(offered(&script, &["tympan", "plot", "wave"]).contains("waveform"));
}
