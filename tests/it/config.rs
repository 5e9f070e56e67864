//! What a user sees of the configuration: every fault at once, with its line and a way out; and what the built-in file
//! and a file of one's own come to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tympan::config::{
    Config, ConfigError, ConfigProblems, HostChoice, Pace, ParsedConfig, Position, SourceKind,
    StdoutFormat,
};
use tympan::domain::LabelSet;
use tympan::recognition::{ModelTraits, Thresholds};

fn problems(text: &str) -> Vec<String> {
    match Config::from_str("config.toml", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// The one fault of `text`.
fn problem(text: &str) -> String {
    let mut problems = problems(text);
    assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    problems.remove(0)
}

fn model() -> ModelTraits {
    ModelTraits {
        non_events: Vec::new(),
        labels: LabelSet::new(&["dog", "rain", "church bells"]).unwrap(),
        thresholds: vec![
            Thresholds { on: 0.62, off: 0.4 },
            Thresholds { on: 0.5, off: 0.3 },
            Thresholds { on: 0.7, off: 0.5 },
        ],
        hop: Duration::from_millis(80),
    }
}

fn against_model(text: &str) -> Result<Config, ConfigProblems> {
    ParsedConfig::from_str("config.toml", text).finish_for(&model()).map(|(config, _)| config)
}

#[test]
fn the_built_in_configuration_is_a_microphone_to_stdout_and_nothing_on_disk_or_net() {
    let config = Config::default();
    assert_eq!(config.model, Path::new("models/esc50"));
    assert_eq!(config.inputs[0].source.kind, SourceKind::Microphone);
    assert_eq!(config.inputs[0].source.ring, Duration::from_secs(2));
    assert_eq!(config.inputs[0].source.microphone.host, HostChoice::Auto);
    assert_eq!(config.inputs[0].source.microphone.device, None);
    assert_eq!(config.inputs[0].source.microphone.channel, None);
    assert_eq!(config.output.stdout.as_ref().unwrap().format, StdoutFormat::Auto);
    assert_eq!(config.output.log_file, None);
    assert_eq!(config.output.unix, None);
    assert_eq!(config.output.tcp, None);
    assert_eq!(config.torch_threads, 1);
    assert_eq!(config.detector.settings.min_level_dbfs, -70.0);
    assert!(config.detector_spec(&model()).is_ok());
    assert_eq!(
        Config::default(),
        Config::from_str("built-in config.toml", Config::built_in_text()).unwrap()
    );
}

#[test]
fn an_empty_file_is_the_built_in_configuration_and_a_line_changes_that_line() {
    let empty = Config::from_str("config.toml", "").unwrap();
    assert_eq!(empty.detector, Config::default().detector);
    assert_eq!(empty.output, Config::default().output);
    let text = "
        [source]
        kind = 'file'
        [source.file]
        path = 'yard.flac'
        pace = 'fast'
        [source.microphone]
        channel = 2
        rate = 44_100
        [detector]
        confirm.of = 5
        labels.dog.threshold = 0.8
        [output.tcp]
        enabled = true
        [output.unix]
        enabled = true
        mode = '0600'
    ";
    let config = Config::from_str("config.toml", text).unwrap();
    assert_eq!(
        (config.inputs[0].source.kind, config.inputs[0].source.file.pace),
        (SourceKind::File, Pace::Fast)
    );
    assert_eq!(config.inputs[0].source.file.path.as_deref(), Some(Path::new("yard.flac")));
    assert_eq!(
        config.inputs[0].source.microphone.channel,
        Some(1),
        "the second of them, counted from 0"
    );
    assert_eq!(config.inputs[0].source.microphone.sample_rate.unwrap().hz(), 44_100);
    let settings = &config.detector.settings;
    assert_eq!((settings.confirm_windows, settings.confirm_of), (2, 5));
    assert_eq!(config.output.tcp.as_ref().unwrap().address.to_string(), "127.0.0.1:7327");
    assert_eq!(config.output.unix.as_ref().unwrap().mode, 0o600);
    let rules = config.detector_spec(&model()).unwrap();
    assert_eq!((rules.thresholds(0).on, rules.thresholds(1).on), (0.8, 0.5));
}

#[test]
fn every_fault_is_reported_at_once_with_its_line_and_a_way_out() {
    let text = r#"model = "models/esc50"
[source]
kind = "mircophone"
ring = 2.0
[source.stdin]
format = ""

[detector]
min_event_ms = "300"
threshold = 1.4
confirm = { windows = 4, of = 3 }
deny = ["dog", "rian"]
[detector.labels.cat]
threshold = 0.7

[output.stdout]
enabled = "yes"
[output.tcp]
address = "localhost"
[output.unix]
mode = 660
[outptu.log_file]
"#;
    let message = against_model(text).unwrap_err().to_string();
    let expected = r#"config.toml:3: source.kind is "mircophone"; it must be one of "microphone", "file", "stdin", "command", "demo" (nearest: "microphone"). Delete the line to have the default, "microphone".
config.toml:4: source.ring is no key; did you mean source.ring_s?
config.toml:6: source.stdin.format is ""; it must be text between quotes. Delete the line to have the default, "s16le:48000:1".
config.toml:9: detector.min_event_ms is "300"; it must be a whole number from 0 to 600000. Delete the line to have the default, 300.
config.toml:10: detector.threshold is 1.4; it must be above 0 and below 1. Lower it, or delete the line to use the model's own (0.5 to 0.7).
config.toml:11: detector.confirm.windows is 4, but only the last 3 are looked at (detector.confirm.of); nothing could ever be confirmed. Lower it to 3 or less.
config.toml:12: detector.deny names "rian", which is not one of this model's 3 labels; did you mean "rain"?
config.toml:13: detector.labels.cat names "cat", which is not one of this model's 3 labels.
config.toml:17: output.stdout.enabled is "yes"; it must be true or false, without quotes. Delete the line to have the default, true.
config.toml:19: output.tcp.address is "localhost"; it must be an IP address and a port, as "127.0.0.1:7327" or "[::1]:7327". Delete the line to have the default, "127.0.0.1:7327".
config.toml:21: output.unix.mode is 660; it must be permissions as chmod takes them, between quotes, from "0000" to "0777". Delete the line to have the default, "0660".
config.toml:22: outptu is no key; did you mean output?"#;
    assert_eq!(message, expected);
    // without a model, all of these but the labels are still found, and the model's own is not made up
    let alone = problems(text);
    assert_eq!(alone.len(), 10, "{alone:#?}");
    assert!(alone[4].ends_with("delete the line to use the model's own."), "{}", alone[4]);
}

#[test]
fn a_threshold_out_of_range_names_the_models_own() {
    let message = against_model("[detector.labels.dog]\nthreshold = 1.4").unwrap_err().to_string();
    let expected = "config.toml:2: detector.labels.dog.threshold is 1.4; it must be above 0 and below 1. Lower it, or \
                    delete the line to use the model's own 0.62.";
    assert_eq!(message, expected);
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_or_with_where_it_belongs() {
    for (text, expected) in [
        (
            "[detector]\ntreshold = 0.5",
            "config.toml:2: detector.treshold is no key; did you mean detector.threshold?",
        ),
        (
            "[log]\nlevel = 'info'\nmodel = 'x'",
            "config.toml:3: log.model is no key; did you mean model? It stands at the top, above every [section].",
        ),
        (
            "[output]\nmax_size_mb = 3",
            "config.toml:2: output.max_size_mb is no key; did you mean output.log_file.max_size_mb? It stands in \
             [output.log_file].",
        ),
        (
            "[runtime]\nqq = 3",
            "config.toml:2: runtime.qq is no key; here belong engine, torch_threads, torchscript.",
        ),
        (
            "[detector.labels.dog]\non = 0.5",
            "config.toml:2: detector.labels.dog.on is no key; here belong threshold, off_threshold.",
        ),
        ("sample_rate = 16000", "config.toml:1: sample_rate is no key; here belong"),
    ] {
        let message = problem(text);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_value_out_of_its_range_or_of_another_type_is_reported_with_both_ends() {
    for (text, expected) in [
        ("source.ring_s = 0", "source.ring_s is 0; it must be a number from 0.1 to 60."),
        ("source.ring_s = nan", "source.ring_s is nan; it must be a number from 0.1 to 60."),
        (
            "runtime.torch_threads = 1.5",
            "runtime.torch_threads is 1.5; it must be a whole number from 1 to 64.",
        ),
        (
            "detector.cooldown_ms = -1",
            "detector.cooldown_ms is -1; it must be a whole number from 0 to 3600000.",
        ),
        (
            "detector.cooldown_ms = 99999999999999999999",
            "detector.cooldown_ms is 99999999999999999999; it must be a whole number from 0 to 3600000.",
        ),
        (
            "detector.allow = 'dog'",
            "detector.allow is \"dog\"; it must be a list of texts, as [\"dog\", \"rain\"].",
        ),
        ("detector.allow = ['dog', 3]", "detector.allow is a list; it must be a list of texts"),
        ("detector = 3", "detector is 3; it must be a section. Write [detector]."),
        ("model = '~/models/x'", "model is \"~/models/x\"; it must be a path without ~"),
        ("model = ['x']", "model is a list; it must be a path between quotes."),
        ("output.unix.mode = '0999'", "output.unix.mode is \"0999\"; it must be permissions"),
        (
            "source.microphone.channel = 0",
            "source.microphone.channel is 0; it must be a whole number from 1 to 256.",
        ),
        (
            "source.microphone.rate = 48",
            "source.microphone.rate is 48; it must be a whole number from 4000 to 384000.",
        ),
        ("source.kind = 'file'", "source.kind is \"file\", and source.file.path is missing."),
        (
            "detector.threshold = '0.6'",
            "detector.threshold is \"0.6\"; it must be a number without quotes.",
        ),
        ("detector.min_level_dbfs = 3", "detector.min_level_dbfs is 3; it must be at least -120"),
        (
            "output.log_file.max_total_mb = 5",
            "output.log_file.max_total_mb is 5, less than one file may take (max_size_mb, 10).",
        ),
        (
            "output.log_file.max_size_mb = 500",
            "output.log_file.max_size_mb is 500, more than all files may take (max_total_mb, 100).",
        ),
    ] {
        let (message, expected) = (problem(text), format!("config.toml:1: {expected}"));
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn combinations_that_can_never_fire_are_refused_at_a_line_of_the_file() {
    for (text, line, key) in [
        ("[detector]\nconfirm.of = 1", 2, "detector.confirm.windows"),
        ("[detector]\nmax_event_s = 0.25", 2, "detector.min_event_ms"),
        ("[detector]\nmin_event_ms = 90_000", 2, "detector.min_event_ms"),
        ("[detector]\n\nmin_event_ms = 0\nmax_event_s = 0.2", 4, "detector.confirm.of"),
        ("[detector]\ndeny = [\n'dog',\n'rain',\n'church bells']", 2, "detector.deny"),
        ("[detector]\nallow = ['dog']\ndeny = ['dog']", 3, "detector.deny"),
        ("[detector]\nthreshold = 0.3\noff_threshold = 0.5", 3, "detector.off_threshold"),
        (
            "[detector]\nlabels.\"church bells\".threshold = 0",
            2,
            "detector.labels.\"church bells\".threshold",
        ),
        ("[detector]\nallow = [\n  'dog',\n  'dgo',\n]", 4, "detector.allow"),
    ] {
        let ConfigProblems(found) = against_model(text).unwrap_err();
        let [problem] = &found[..] else { panic!("{text}: {found:?}") };
        assert_eq!(
            (problem.position.unwrap().line, problem.key.as_str()),
            (line, key),
            "{problem}"
        );
    }
}

#[test]
fn a_value_that_could_not_be_read_is_not_blamed_for_contradicting_another() {
    let message = problem("[detector]\nmin_event_ms = 'short'\nmax_event_s = 0.1");
    assert!(message.starts_with("config.toml:2: detector.min_event_ms is \"short\""), "{message}");
}

#[test]
fn what_is_not_toml_is_reported_alone_with_its_place() {
    let ConfigProblems(found) =
        Config::from_str("config.toml", "unknown = 1\n[detector]\nthreshold = = 2\n").unwrap_err();
    let [problem] = &found[..] else { panic!("{found:?}") };
    assert_eq!(problem.position, Some(Position { line: 3, column: 13 }));
    assert!(
        problem.to_string().starts_with("config.toml:3: the file is not TOML here: "),
        "{problem}"
    );
    let twice = problem_with_model("[detector]\nsmoothing_ms = 1\nsmoothing_ms = 2\n");
    assert!(
        twice.starts_with("config.toml:3: the file is not TOML here: duplicate key"),
        "{twice}"
    );
}

fn problem_with_model(text: &str) -> String {
    against_model(text).unwrap_err().to_string()
}

#[test]
fn paths_start_at_the_folder_of_the_file_and_absolute_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tympan.toml");
    let text = "model = 'bundle'\n[output.log_file]\nenabled = true\npath = '/var/log/x.jsonl'\n";
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!(config.model, folder.path().join("bundle"));
    assert_eq!(config.output.log_file.unwrap().path, PathBuf::from("/var/log/x.jsonl"));
}

#[test]
fn a_file_that_is_missing_or_no_text_is_reported_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let error = Config::load(&path).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(error.to_string().contains("none.toml"), "{error}");
    std::fs::write(&path, b"model = 'x'\n# \xff\xfe\n").unwrap();
    let error = Config::load(&path).unwrap_err().to_string();
    assert!(error.contains("none.toml:2: byte 14 of the file is not UTF-8 text"), "{error}");
}

#[test]
fn a_faulty_file_still_names_the_model_to_check_it_against() {
    let reading =
        ParsedConfig::from_str("config.toml", "model = 'mine'\n[detector]\nthreshold = 7\nqq = 1");
    assert_eq!(reading.config().model, Path::new("mine"));
    assert_eq!(reading.finish_for(&model()).unwrap_err().0.len(), 2);
}

#[test]
fn a_file_larger_than_any_configuration_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.toml");
    std::fs::write(&path, "# words\n".repeat(40_000)).unwrap();
    let endless = Path::new("/dev/zero");
    for path in [path.as_path(), endless] {
        let error = Config::load(path).unwrap_err();
        assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
        let printed = error.to_string();
        assert!(
            printed.contains(path.to_str().unwrap()) && printed.contains("262144 bytes"),
            "{printed}"
        );
    }
}

#[test]
fn what_is_long_is_shown_by_its_beginning() {
    let long = "x".repeat(10_000);
    for text in [
        format!("[source]\nkind = \"{long}\""),
        format!("[source]\nring_s = {}", "1".repeat(10_000)),
        format!("[source.stdin]\nformat = \"s16le:48000:{long}\""),
    ] {
        let printed = problem(&text);
        assert!(printed.starts_with("config.toml:2:") && printed.len() < 500, "{printed}");
    }
    let printed = problem(&format!("[detector]\n[detector.labels.{long}]\nthreshold = 0.5\na = 1"));
    assert!(printed.starts_with("config.toml:2:") && printed.contains("255 bytes"), "{printed}");
}

#[test]
fn twenty_thousand_faults_are_reported_each_at_its_line() {
    let text: String = (0..20_000).map(|key| format!("k{key} = 1\n")).collect();
    let printed = problems(&text);
    assert_eq!(printed.len(), 20_000);
    assert!(printed[19_999].starts_with("config.toml:20000: k19999"), "{}", printed[19_999]);
}

const SEVERAL: &str = r#"
[[input]]
name = "garden"
kind = "command"
[input.command]
argv = ["ffmpeg", "-i", "rtsp://camera/audio"]
format = "s16le:16000:1"

[[input]]
name = "hall_2"
ring_s = 4.0
[input.microphone]
device = "alsa:hw:1"
channel = 2

[[input]]
name = "left"
[input.microphone]
device = "alsa:hw:1"
channel = 1
"#;

#[test]
fn each_input_of_several_has_its_name_and_takes_from_the_built_in_source_what_it_does_not_say() {
    let inputs = Config::from_str("config.toml", SEVERAL).unwrap().inputs;
    let names: Vec<_> = inputs.iter().map(|input| input.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["garden", "hall_2", "left"]);
    let (camera, hall) = (&inputs[0].source, &inputs[1].source);
    assert_eq!(camera.kind, SourceKind::Command);
    assert_eq!(camera.command.argv, ["ffmpeg", "-i", "rtsp://camera/audio"]);
    assert_eq!(camera.command.format.to_string(), "s16le:16000:1");
    assert_eq!(camera.command.lost_after, Duration::from_secs(10));
    assert_eq!((hall.kind, hall.ring), (SourceKind::Microphone, Duration::from_secs(4)));
    assert_eq!(
        (hall.microphone.buffer, camera.ring),
        (Duration::from_millis(10), Duration::from_secs(2))
    );
    let alone = Config::default().inputs;
    assert_eq!((alone.len(), alone[0].name.as_deref(), &*alone[0].path), (1, None, "source"));
}

#[test]
fn inputs_that_collide_or_lack_a_name_are_refused_at_their_lines() {
    let text = r#"[source]
kind = "demo"
[[input]]
name = "garden"
[[input]]
name = "garden"
kind = "demo"
[[input]]
name = "Über"
[[input]]
kind = "stdin"
[[input]]
name = "pipe"
kind = "stdin"
[[input]]
name = "camera"
kind = "command"
[input.comand]
[[input]]
name = "other"
kind = "command"
[input.command]
argv = []
"#;
    let found = problems(text);
    let lines: Vec<_> =
        found.iter().map(|it| it.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "config.toml:1: source",
            "config.toml:6: input[2].name",
            "config.toml:8: input[3].microphone.device",
            "config.toml:9: input[3].name",
            "config.toml:10: input[4]",
            "config.toml:14: input[5].kind",
            "config.toml:17: input[6].kind",
            "config.toml:18: input[6].comand",
            "config.toml:23: input[7].command.argv",
        ],
        "{found:#?}"
    );
    let says = |key: &str, words: &str| {
        assert!(found.iter().any(|it| it.contains(key) && it.contains(words)), "{key}: {found:#?}");
    };
    says("source", "takes its place. Make it an [[input]] with a name, or remove it.");
    says("input[3].microphone.device", "is \"default\", which garden listens to already");
    says("input[3].name", "at most 32 of the characters a to z, 0 to 9, _ and -");
    says("input[4]", "has no name. Write name = \"garden\"");
    says("input[5].kind", "There is one standard input");
    says("input[6].comand", "did you mean input[6].command?");
    says("input[7].command.argv", "a program and its arguments");
    let one = problem("input = 3\n");
    assert!(one.contains("input is 3; each one must be a section. Write [[input]]."), "{one}");
    let mut many = String::new();
    for index in 0..1_001 {
        many += &format!("[[input]]\nname = \"n{index}\"\nkind = \"demo\"\n");
    }
    assert!(problem(&many).contains("is there 1001 times; at most 1000 are possible"));
}
