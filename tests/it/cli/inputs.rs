//! Several inputs in one daemon, as an operator sees them: with the real program, recordings, the demo and a command.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Running, configuration, demo_wav, failure, of_type, parsed, says, success, tympan};

/// Of one source, without what depends on the moment and the ids that all share.
fn story(records: &[Value], source: &str) -> Vec<Value> {
    let of_source = records.iter().filter(|record| {
        record["source"] == source && (record["type"] == "window" || record["type"] == "event")
    });
    let without_moment = |record: &Value| {
        let mut record = record.clone();
        for key in ["time", "latency_us", "id", "source"] {
            record.as_object_mut().unwrap().remove(key);
        }
        record
    };
    of_source.map(without_moment).collect()
}

#[test]
fn recordings_read_side_by_side_give_what_each_gives_alone() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 12);
    let wav = wav.to_str().unwrap();
    let text = "[[input]]\nname = \"one\"\nkind = \"file\"\n[input.file]\npath = \"demo.wav\"\n\
                [[input]]\nname = \"two\"\nkind = \"file\"\n[input.file]\npath = \"demo.wav\"\n\
                [[input]]\nname = \"demo\"\nkind = \"demo\"\n[clips]\nenabled = true\nlabels = [\"siren\"]\n";
    let config = configuration(folder.path(), text);
    let run = ["run", "--fast", "--format", "jsonl", "--seconds", "12", "--config", &config];
    let together = parsed(&success(&run));
    let source = format!("file:{wav}");
    let alone = parsed(&success(&[
        "run",
        "--fast",
        "--format",
        "jsonl",
        "--seconds",
        "12",
        "--source",
        &source,
    ]));
    let expected = story(&alone, wav);
    assert!(of_type(&alone, "event").len() >= 2, "{alone:?}");
    assert_eq!(story(&together, "one"), expected);
    assert_eq!(story(&together, "two"), expected);
    assert!(!story(&together, "demo").is_empty());
    // a clip for each siren of each input
    let sirens = of_type(&together, "event");
    let sirens = sirens.iter().filter(|it| it["label"] == "siren" && it["phase"] == "onset");
    let clips = std::fs::read_dir(folder.path().join("clips")).unwrap().count();
    assert_eq!((clips, sirens.count()), (3, 3));
}

/// The processes that are children of one.
fn children(process: u32) -> Vec<String> {
    let path = format!("/proc/{process}/task/{process}/children");
    // of the thread that started them, which need not be the first
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let mut found: Vec<String> = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(Path::new(&path).exists(), "no {path}");
    found.dedup();
    found
}

#[test]
fn a_command_that_dies_is_started_again_and_disturbs_no_other_input() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 4);
    let script = format!("cat {0} {0} {0} {0}; exec sleep 1000", wav.display());
    let text = format!(
        "[[input]]\nname = \"hall\"\nkind = \"demo\"\n[[input]]\nname = \"camera\"\nkind = \"command\"\n\
         [input.command]\nargv = [\"sh\", \"-c\", {script:?}]\nlost_after_s = 3600\n\
         [output.unix]\nenabled = true\npath = \"tympan.sock\"\n[output.stdout]\nformat = \"jsonl\"\n"
    );
    let config = configuration(folder.path(), &text);
    let mut command = tympan();
    command.args(["run", "--config", &config]);
    let mut daemon = Running::start(command);
    let of_camera = |kind: &'static str| {
        move |record: &Value| record["type"] == kind && record["source"] == "camera"
    };
    daemon.until(of_camera("window"));
    let text = success(&["status", "--config", &config]);
    says(&text, &["input    hall: listening for", "the demo at 48000 Hz"]);
    says(&text, &["input    camera: listening for", "sh, s16le:48000:1 at 48000 Hz"]);
    let children = children(daemon.child.id());
    assert_eq!(children.len(), 1, "{children:?}");
    let kill = format!("kill -s KILL {}", children[0]);
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    let lost = daemon.until(|record| record["source"] == "camera" && record["state"] == "lost");
    let detail = lost.last().unwrap()["detail"].as_str().unwrap();
    assert_eq!(detail, "waiting for it: sh was ended by signal 9");
    let mut since =
        daemon.until(|record| record["source"] == "camera" && record["state"] == "listening");
    since.extend(daemon.until(of_camera("window")));
    let (rest, code) = daemon.end_by("TERM");
    since.extend(rest);
    assert_eq!(code, Some(0));
    let of = |source: &'static str, kind: &'static str| {
        let records = of_type(&since, kind);
        records.into_iter().filter(|record| record["source"] == source).collect::<Vec<_>>()
    };
    assert!(!of("hall", "window").is_empty());
    assert_eq!((of("hall", "gap").len(), of("camera", "gap").len()), (0, 1), "{since:?}");
    assert_eq!(of("camera", "gap")[0]["cause"], "device_lost");
}

#[test]
fn text_names_the_input_and_one_that_ends_or_fails_ends_no_other() {
    let folder = tempfile::tempdir().unwrap();
    demo_wav(folder.path(), 2);
    std::fs::write(folder.path().join("cut.flac"), b"fLaC not really").unwrap();
    let input = |name: &str, seconds: &str| {
        format!(
            "[[input]]\nname = \"{name}\"\nkind = \"file\"\n[input.file]\npath = \"{seconds}\"\n"
        )
    };
    let text = input("short", "demo.wav") + &input("longer_than", "longer.wav");
    let longer = demo_wav(&folder.path().join(""), 6);
    std::fs::rename(longer, folder.path().join("longer.wav")).unwrap();
    demo_wav(folder.path(), 2);
    let config = configuration(folder.path(), &text);
    let printed = success(&["run", "--config", &config, "--format", "text"]);
    says(&printed, &["  short        · listening", "  longer_than  · listening"]);
    says(&printed, &["  longer_than  ● siren", "  longer_than  · stopping"]);
    let broken = configuration(folder.path(), &(text + &input("cut", "cut.flac")));
    says(&failure(&["check", "--config", &broken], 2), &["input[3].file.path", "cut.flac"]);
}

#[test]
fn what_cannot_be_beside_a_live_input_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    demo_wav(folder.path(), 2);
    let fast = "[[input]]\nname = \"a\"\nkind = \"demo\"\n[[input]]\nname = \"b\"\nkind = \"file\"\n\
                [input.file]\npath = \"demo.wav\"\npace = \"fast\"\n";
    let config = configuration(folder.path(), fast);
    says(&failure(&["run", "--config", &config], 2), &["beside an input that waits for nobody"]);
    let command = "[[input]]\nname = \"a\"\nkind = \"command\"\n[input.command]\nargv = [\"no-such-program\"]\n";
    let config = configuration(folder.path(), command);
    for arguments in [["check", "--config", &config], ["run", "--config", &config]] {
        says(
            &failure(&arguments, 2),
            &["input[1].command.argv", "\"no-such-program\"; is it installed"],
        );
    }
}

#[test]
fn a_program_is_run_for_each_event_of_its_labels_and_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    demo_wav(folder.path(), 12);
    let received = folder.path().join("received");
    let script = format!(
        "echo $TYMPAN_LABEL $TYMPAN_SOURCE $TYMPAN_SCORE >> {0}; cat >> {0}",
        received.display()
    );
    let text = format!(
        "[[input]]\nname = \"tape\"\nkind = \"file\"\n[input.file]\npath = \"demo.wav\"\n\
         [output.command]\nenabled = true\nargv = [\"sh\", \"-c\", {script:?}]\nlabels = [\"siren\"]\n"
    );
    let config = configuration(folder.path(), &text);
    let records = parsed(&success(&["run", "--fast", "--format", "jsonl", "--config", &config]));
    let sirens: Vec<Value> = of_type(&records, "event")
        .into_iter()
        .filter(|event| event["phase"] == "onset" && event["label"] == "siren")
        .collect();
    assert_eq!(sirens.len(), 1, "{records:?}");
    let received = std::fs::read_to_string(received).unwrap();
    let (words, line) = received.split_once('\n').unwrap();
    assert!(words.starts_with("siren tape 0."), "{received}");
    assert_eq!(parsed(line), sirens);
    let wrong =
        "[output.command]\nenabled = true\nargv = [\"no-such-program\"]\nlabels = [\"sirene\"]\n";
    let config = configuration(folder.path(), wrong);
    let printed = failure(&["check", "--config", &config], 2);
    says(
        &printed,
        &[
            "output.command.argv",
            "is it installed",
            "output.command.labels",
            "did you mean \"siren\"?",
        ],
    );
}
